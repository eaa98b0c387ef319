package routines

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"plumbline.dev/lab/shop"
)

// ChanReceive serves /stock/import. A broken row ends the import, and the channel its storekeeper ranges over is
// never closed.
func ChanReceive(s *shop.Server) error {
	s.Handle("/stock/import", func(w http.ResponseWriter, r *http.Request) error {
		return importRows(strings.Split(r.URL.Query().Get("rows"), ","))
	})
	return nil
}

func importRows(rows []string) error {
	lines := make(chan string)
	go storeAll(lines)
	for _, row := range rows {
		if row == "broken" {
			return fmt.Errorf("%w: broken row", shop.ErrRefused)
		}
		lines <- row
	}
	close(lines)
	return nil
}

func storeAll(lines <-chan string) {
	for line := range lines { // LEAK
		store(line)
	}
}

func store(line string) {
	time.Sleep(time.Duration(1+len(line)%3) * time.Millisecond)
}
