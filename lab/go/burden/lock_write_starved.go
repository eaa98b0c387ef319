package burden

import (
	"net/http"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// Settings is read by every request and written by one job, which saves them under the lock.
type Settings struct {
	mu     sync.RWMutex
	values map[string]string
}

// LockWriteStarved serves /settings, and reloads them all the time.
func LockWriteStarved(s *shop.Server) error {
	settings := &Settings{values: map[string]string{"currency": "EUR"}}
	go settings.keepReloading(s)
	s.Handle("/settings", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]string{"currency": settings.Get("currency")})
	})
	return nil
}

// Get is cheap, once it has the lock.
func (s *Settings) Get(key string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values[key]
}

func (s *Settings) keepReloading(server *shop.Server) {
	for server.Ctx.Err() == nil {
		s.Reload()
		time.Sleep(5 * time.Millisecond)
	}
}

// Reload fetches the settings with the write lock held.
func (s *Settings) Reload() {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(300 * time.Millisecond) // LEAK
	s.values["currency"] = "EUR"
}
