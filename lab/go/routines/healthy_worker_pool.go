package routines

import (
	"net/http"
	"time"

	"plumbline.dev/lab/shop"
)

// workers is how many wait for work, most of them most of the time.
const workers = 64

// HealthyWorkerPool serves /thumbnails/make by a pool of workers parked on one channel.
func HealthyWorkerPool(s *shop.Server) error {
	jobs := make(chan chan<- int)
	for n := 0; n < workers; n++ {
		go thumbnailWorker(jobs)
	}
	s.Handle("/thumbnails/make", func(w http.ResponseWriter, r *http.Request) error {
		done := make(chan int, 1)
		jobs <- done
		return shop.WriteJSON(w, map[string]int{"bytes": <-done})
	})
	return nil
}

func thumbnailWorker(jobs <-chan chan<- int) {
	for done := range jobs {
		time.Sleep(3 * time.Millisecond)
		done <- 4096
	}
}
