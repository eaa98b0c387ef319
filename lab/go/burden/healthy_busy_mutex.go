package burden

import (
	"net/http"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// Counters are taken and given back thousands of times a second, each time for nanoseconds.
type Counters struct {
	mu   sync.Mutex
	seen map[string]int
}

// HealthyBusyMutex serves /count, beside jobs that use the same lock all the time.
func HealthyBusyMutex(s *shop.Server) error {
	counters := &Counters{seen: map[string]int{}}
	for job := 0; job < 4; job++ {
		go counters.keepCounting(s)
	}
	s.Handle("/count", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]int{"seen": counters.Add("requests")})
	})
	return nil
}

// Add holds the lock for one map access.
func (c *Counters) Add(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[key]++
	return c.seen[key]
}

func (c *Counters) keepCounting(server *shop.Server) {
	for server.Ctx.Err() == nil {
		for i := 0; i < 500; i++ {
			c.Add("jobs")
		}
		time.Sleep(time.Millisecond)
	}
}
