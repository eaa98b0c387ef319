package routines

import (
	"net/http"
	"strconv"
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
// directions wait for each other, and everybody after who needs one of the two accounts waits for them.
// /points/gift is such a transfer between friends, whose direction changes from turn to turn.
func MutexDeadlock(s *shop.Server) error {
	b := &bank{accounts: map[string]*account{}}
	for _, name := range []string{"anna", "bert", "carla", "dora"} {
		b.accounts[name] = &account{points: 1_000_000}
	}
	s.Handle("/points/transfer", func(w http.ResponseWriter, r *http.Request) error {
		b.transfer("carla", "dora")
		return nil
	})
	s.Handle("/points/gift", func(w http.ResponseWriter, r *http.Request) error {
		turn, err := strconv.Atoi(r.URL.Query().Get("turn"))
		if err != nil {
			return err
		}
		b.gift(turn)
		return nil
	})
	return nil
}

func (b *bank) gift(turn int) {
	if turn%2 == 0 {
		b.transfer("anna", "bert")
	} else {
		b.transfer("bert", "anna")
	}
}

func (b *bank) transfer(giver, taker string) {
	from, to := b.accounts[giver], b.accounts[taker]
	from.mu.Lock()
	defer from.mu.Unlock()
	// The fee is looked up while the giver is locked.
	time.Sleep(8 * time.Millisecond)
	to.mu.Lock() // LEAK
	defer to.mu.Unlock()
	from.points--
	to.points++
}
