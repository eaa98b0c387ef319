package burden

import (
	"net/http"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// RateTable keeps exchange rates. One lock guards it, also while a rate is fetched.
type RateTable struct {
	mu    sync.Mutex
	rates map[string]int64
}

// LockConvoy serves /rates.
func LockConvoy(s *shop.Server) error {
	table := &RateTable{rates: map[string]int64{}}
	s.Handle("/rates", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]int64{"rate": table.Rate(sku(r))})
	})
	return nil
}

// Rate fetches a rate and keeps it, for the pages that only list them.
func (t *RateTable) Rate(sku string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	rate := fetchRate(sku) // LEAK
	if len(t.rates) < ratesMax {
		t.rates[sku] = rate
	}
	return rate
}

// ratesMax bounds the table: the lab asks for ever new ones.
const ratesMax = 1000

// fetchRate stands for a call to another service.
func fetchRate(sku string) int64 {
	time.Sleep(20 * time.Millisecond)
	return int64(100 + len(sku))
}
