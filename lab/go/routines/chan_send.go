package routines

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"plumbline.dev/lab/shop"
)

// patience is how long a customer waits for a carrier's price.
const patience = 400 * time.Millisecond

// ChanSend serves /prices/best. The answer of a slow carrier comes when the caller has given up, and nobody
// receives any more.
func ChanSend(s *shop.Server) error {
	s.Handle("/prices/best", func(w http.ResponseWriter, r *http.Request) error {
		cents, err := bestPrice(r.URL.Query().Get("carrier"))
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int{"cents": cents})
	})
	return nil
}

func bestPrice(carrier string) (int, error) {
	prices := make(chan int)
	go func() {
		price := askCarrier(carrier)
		prices <- price // LEAK
	}()
	select {
	case cents := <-prices:
		return cents, nil
	case <-time.After(patience):
		return 0, fmt.Errorf("%w: %s takes too long", shop.ErrRefused, carrier)
	}
}

func askCarrier(carrier string) int {
	if strings.HasPrefix(carrier, "slow-") {
		time.Sleep(patience + 100*time.Millisecond)
	} else {
		time.Sleep(5 * time.Millisecond)
	}
	return 400 + 15*len(carrier)
}
