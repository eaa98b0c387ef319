package routines

import (
	"net/http"
	"time"

	"plumbline.dev/lab/shop"
)

// NilChan serves /exports/start. Only a full export makes the channel that tells of its end; for any other kind the
// one who waits for it waits on nil.
func NilChan(s *shop.Server) error {
	s.Handle("/exports/start", func(w http.ResponseWriter, r *http.Request) error {
		startExport(r.URL.Query().Get("kind"))
		return nil
	})
	return nil
}

func startExport(kind string) {
	var finished chan struct{}
	if kind == "full" {
		finished = make(chan struct{})
		go func() {
			time.Sleep(5 * time.Millisecond)
			close(finished)
		}()
	}
	go notifyOwner(kind, finished)
}

func notifyOwner(kind string, finished <-chan struct{}) {
	<-finished // LEAK
	if kind == "" {
		shop.Logf("an export of no kind has ended")
	}
}
