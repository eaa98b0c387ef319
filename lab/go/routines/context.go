package routines

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"plumbline.dev/lab/shop"
)

// Context serves /seats/reserve. Who releases a reservation waits for its context; where the seat is taken nobody
// calls cancel.
func Context(s *shop.Server) error {
	s.Handle("/seats/reserve", func(w http.ResponseWriter, r *http.Request) error {
		return reserveSeat(r.URL.Query().Get("seat"))
	})
	return nil
}

func reserveSeat(seat string) error {
	// Not the request's context: a reservation outlives it.
	ctx, cancel := context.WithCancel(context.Background())
	go releaseSeat(ctx, make(chan struct{}))
	if strings.HasPrefix(seat, "taken-") {
		return fmt.Errorf("%w: %s", shop.ErrRefused, seat)
	}
	time.Sleep(3 * time.Millisecond)
	cancel()
	return nil
}

func releaseSeat(ctx context.Context, expired <-chan struct{}) {
	select { // LEAK
	case <-ctx.Done():
	case <-expired:
	}
}
