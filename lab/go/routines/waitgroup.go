package routines

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// WaitGroup serves /labels/print: each label is drawn by a goroutine of its own, which forgets Done when the address
// is bad. Who then waits for all of them waits for ever.
func WaitGroup(s *shop.Server) error {
	s.Handle("/labels/print", func(w http.ResponseWriter, r *http.Request) error {
		printLabels(strings.Split(r.URL.Query().Get("to"), ","))
		return nil
	})
	return nil
}

func printLabels(addresses []string) {
	var drawn sync.WaitGroup
	drawn.Add(len(addresses))
	for _, address := range addresses {
		go drawLabel(address, &drawn)
	}
	go sendToPrinter(&drawn)
}

func drawLabel(address string, drawn *sync.WaitGroup) {
	if address == "bad" {
		return
	}
	time.Sleep(2 * time.Millisecond)
	drawn.Done()
}

func sendToPrinter(drawn *sync.WaitGroup) {
	drawn.Wait() // LEAK
	time.Sleep(time.Millisecond)
}
