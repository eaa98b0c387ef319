package burden

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"plumbline.dev/lab/shop"
)

// Reports renders tables the expensive way, beside a live heap of sessions.
type Reports struct {
	live *Session
}

// GCChurn serves /report, with a GOGC that somebody set to save memory.
func GCChurn(s *shop.Server) error {
	debug.SetGCPercent(5)
	reports := &Reports{live: sessions(500_000)}
	s.Handle("/report", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]int{"bytes": reports.Render(sku(r))})
	})
	return nil
}

// Render makes a copy of everything for every line of the table.
func (r *Reports) Render(sku string) int {
	size := 0
	for line := 0; line < 60; line++ {
		size += len(renderLine(sku, line))
	}
	return size
}

func renderLine(sku string, line int) []byte {
	out := make([]byte, 128<<10) // LEAK
	copy(out, fmt.Sprintf("%s line %d", sku, line))
	return out
}
