package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// result is what was really done, counted by the workers themselves.
type result struct {
	Result bool `json:"result"`
	// Borrows that succeeded, the leaks among them.
	Borrows int `json:"borrows"`
	Errors  int `json:"errors"`
	// Leaked by kind, during the work and before the program was ready.
	Leaked       map[string]int `json:"leaked"`
	LeakedBefore map[string]int `json:"leakedBefore"`
	DBStats      poolStats      `json:"dbStats"`
	Seconds      float64        `json:"seconds"`
	PerSecond    float64        `json:"perSecond"`
	LatencyUs    latencies      `json:"latencyUs"`
}

// work lets all workers run to the end of the plan.
func work(p pool, leaks *leaker, asked plan) result {
	var next, failed, done int64
	var all histogram
	var mu sync.Mutex
	var workers sync.WaitGroup
	start := time.Now()
	worker := func() {
		defer workers.Done()
		var mine histogram
		for {
			n := atomic.AddInt64(&next, 1)
			if asked.borrows > 0 && n > int64(asked.borrows) {
				break
			}
			if asked.rate > 0 {
				due := start.Add(time.Duration(float64(n-1) / asked.rate * float64(time.Second)))
				time.Sleep(time.Until(due))
			}
			begun := time.Now()
			if asked.seconds > 0 && begun.Sub(start).Seconds() >= asked.seconds {
				break
			}
			isLeak, err := leaks.turn(n)
			if !isLeak {
				err = p.Borrow(int(n), asked.work)
			}
			mine.add(time.Since(begun))
			if err != nil {
				atomic.AddInt64(&failed, 1)
			} else {
				atomic.AddInt64(&done, 1)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all.merge(&mine)
	}
	workers.Add(asked.workers)
	for i := 0; i < asked.workers; i++ {
		go worker()
	}
	workers.Wait()
	took := time.Since(start).Seconds()
	return result{
		Result: true, Borrows: int(done), Errors: int(failed), Leaked: leaks.takeCounts(), DBStats: p.Stats(),
		Seconds: took, PerSecond: float64(done) / took, LatencyUs: all.latencies(),
	}
}

// leaker forgets one borrow in so many, each time in the next way, until there have been enough.
type leaker struct {
	pool  pool
	every int64
	max   int

	mu    sync.Mutex
	made  int
	kinds map[string]int
}

func newLeaker(p pool, every, max int) *leaker {
	return &leaker{pool: p, every: int64(every), max: max, kinds: map[string]int{}}
}

// turn leaks if it is the nth borrow's turn to be a leak.
func (l *leaker) turn(n int64) (bool, error) {
	if l.every == 0 || n%l.every != 0 {
		return false, nil
	}
	l.mu.Lock()
	enough := l.made >= l.max
	l.mu.Unlock()
	if enough {
		return false, nil
	}
	return true, l.one()
}

func (l *leaker) one() error {
	l.mu.Lock()
	ways := l.pool.Leaks()
	kind := ways[l.made%len(ways)]
	l.made++
	l.mu.Unlock()
	if err := l.pool.Leak(kind); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kinds[kind]++
	return nil
}

// takeCounts returns what was leaked since it was last called.
func (l *leaker) takeCounts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := l.kinds
	l.kinds = map[string]int{}
	return counts
}
