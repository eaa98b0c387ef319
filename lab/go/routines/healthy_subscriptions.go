package routines

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// hub tells every subscriber what is on offer.
type hub struct {
	mu          sync.Mutex
	subscribers map[chan string]struct{}
}

// HealthySubscriptions serves /offers/stream: who subscribes stays, each with a goroutine that sorts the offers for
// it. More and more come, and all that they have ends when they leave.
func HealthySubscriptions(s *shop.Server) error {
	h := &hub{subscribers: map[chan string]struct{}{}}
	go func() {
		for range time.Tick(time.Second) {
			h.publish("an offer")
		}
	}()
	s.Handle("/offers/stream", h.stream)
	s.Handle("/offers/count", func(w http.ResponseWriter, r *http.Request) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		return shop.WriteJSON(w, map[string]int{"subscribers": len(h.subscribers)})
	})
	return nil
}

func (h *hub) publish(offer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for subscriber := range h.subscribers {
		select {
		case subscriber <- offer:
		default:
		}
	}
}

func (h *hub) stream(w http.ResponseWriter, r *http.Request) error {
	raw, sorted := make(chan string, 1), make(chan string)
	h.mu.Lock()
	h.subscribers[raw] = struct{}{}
	h.mu.Unlock()
	go sortOffers(raw, sorted)
	defer func() {
		h.mu.Lock()
		delete(h.subscribers, raw)
		h.mu.Unlock()
		close(raw)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		select {
		case <-r.Context().Done():
			return nil
		case offer := <-sorted:
			if _, err := fmt.Fprintf(w, "data: %s\n\n", offer); err != nil {
				return nil
			}
			w.(http.Flusher).Flush()
		}
	}
}

func sortOffers(raw <-chan string, sorted chan<- string) {
	for offer := range raw {
		select {
		case sorted <- offer:
		case <-time.After(time.Second):
		}
	}
}
