package routines

import (
	"net/http"
	"sync"
	"time"

	"plumbline.dev/lab/shop"
)

// account holds a customer's bonus points.
type account struct {
	mu     sync.Mutex
	points int
}

// bank has every account from the start, so that the map is only read.
type bank struct {
	accounts map[string]*account
}

// MutexDeadlock serves /points/transfer, which locks the giver first and then the taker: two transfers in opposite
// directions wait for each other, and everybody who wants one of the two accounts for them.
func MutexDeadlock(s *shop.Server) error {
	b := &bank{accounts: map[string]*account{}}
	for _, name := range []string{"anna", "bert", "carla", "dora"} {
		b.accounts[name] = &account{points: 1_000_000}
	}
	s.Handle("/points/transfer", func(w http.ResponseWriter, r *http.Request) error {
		from, to := r.URL.Query().Get("from"), r.URL.Query().Get("to")
		b.transfer(b.accounts[from], b.accounts[to], 1)
		return nil
	})
	return nil
}

func (b *bank) transfer(from, to *account, points int) {
	from.mu.Lock()
	defer from.mu.Unlock()
	// The fee is looked up while the giver is locked.
	time.Sleep(2 * time.Millisecond)
	to.mu.Lock() // LEAK
	defer to.mu.Unlock()
	from.points -= points
	to.points += points
}
