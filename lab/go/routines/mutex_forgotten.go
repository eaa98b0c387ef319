package routines

import (
	"fmt"
	"net/http"
	"sync"

	"plumbline.dev/lab/shop"
)

// stockBook counts what is on the shelves.
type stockBook struct {
	mu     sync.Mutex
	pieces map[string]int
}

// MutexForgotten serves /shelf/take, which leaves with the lock when there is nothing left of an article: nobody takes
// anything any more.
func MutexForgotten(s *shop.Server) error {
	book := &stockBook{pieces: map[string]int{"cup": 1_000_000}}
	s.Handle("/shelf/take", func(w http.ResponseWriter, r *http.Request) error {
		return book.take(r.URL.Query().Get("article"))
	})
	return nil
}

func (b *stockBook) take(article string) error {
	b.mu.Lock() // LEAK
	if b.pieces[article] == 0 {
		return fmt.Errorf("%w: no %s left", shop.ErrRefused, article)
	}
	b.pieces[article]--
	b.mu.Unlock()
	return nil
}
