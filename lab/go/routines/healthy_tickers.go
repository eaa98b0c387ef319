package routines

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"plumbline.dev/lab/shop"
)

// depots each have a ticker as long as the service lives.
const depots = 307

// HealthyTickers looks at every depot once in a while.
func HealthyTickers(s *shop.Server) error {
	var looks atomic.Int64
	for n := 0; n < depots; n++ {
		go watchDepot(s.Ctx, time.Duration(200+n)*time.Millisecond, &looks)
	}
	s.Handle("/depots/looks", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]int64{"looks": looks.Load()})
	})
	return nil
}

func watchDepot(ctx context.Context, every time.Duration, looks *atomic.Int64) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			looks.Add(1)
		case <-ctx.Done():
			return
		}
	}
}
