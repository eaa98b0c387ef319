package routines

import (
	"net/http"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// fan is how many goroutines one request starts; all are gone when it is answered.
const fan = 12

// HealthyFanout serves /prices/compare.
func HealthyFanout(s *shop.Server) error {
	s.Handle("/prices/compare", func(w http.ResponseWriter, r *http.Request) error {
		prices := make(chan int)
		var asked sync.WaitGroup
		for carrier := 0; carrier < fan; carrier++ {
			asked.Add(1)
			go askPrice(carrier, prices, &asked)
		}
		go func() {
			asked.Wait()
			close(prices)
		}()
		best := 0
		for price := range prices {
			if best == 0 || price < best {
				best = price
			}
		}
		return shop.WriteJSON(w, map[string]int{"cents": best})
	})
	return nil
}

func askPrice(carrier int, prices chan<- int, asked *sync.WaitGroup) {
	defer asked.Done()
	time.Sleep(time.Duration(1+carrier) * 4 * time.Millisecond)
	prices <- 400 + carrier
}
