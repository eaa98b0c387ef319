// Measures what a goroutine profile costs the program that gives it: time, bytes, and the longest stall that a
// busy goroutine of the same program saw meanwhile. Standard library only:
//
//	go run scripts/overhead/dump-pause.go
package main

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"
)

const (
	stackDepth = 14
	rounds     = 7
)

//go:noinline
func parkAt(depth int, gate chan struct{}) {
	if depth == 0 {
		<-gate
		return
	}
	parkAt(depth-1, gate)
	runtime.KeepAlive(gate)
}

// stallWatch spins and keeps the longest time between two of its turns.
type stallWatch struct{ longest atomic.Int64 }

func (w *stallWatch) run(stop *atomic.Bool) {
	last := time.Now()
	for !stop.Load() {
		now := time.Now()
		if gap := now.Sub(last).Nanoseconds(); gap > w.longest.Load() {
			w.longest.Store(gap)
		}
		last = now
	}
}

// observe returns the median over all rounds of the time and the stall, and the bytes written.
func observe(write func(*bytes.Buffer)) (took, stall time.Duration, size int) {
	var tooks, stalls []time.Duration
	for range rounds {
		var watch stallWatch
		var stop atomic.Bool
		go watch.run(&stop)
		time.Sleep(20 * time.Millisecond)
		watch.longest.Store(0)
		var out bytes.Buffer
		start := time.Now()
		write(&out)
		tooks = append(tooks, time.Since(start))
		stalls = append(stalls, time.Duration(watch.longest.Load()))
		stop.Store(true)
		size = out.Len()
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(tooks)
	slices.Sort(stalls)
	return tooks[rounds/2], stalls[rounds/2], size
}

func main() {
	fmt.Printf("%s, %d cores, stacks of %d calls, median of %d\n", runtime.Version(), runtime.NumCPU(), stackDepth, rounds)
	fmt.Println("goroutines  form     took       longest stall  bytes")
	took, stall, _ := observe(func(*bytes.Buffer) { time.Sleep(50 * time.Millisecond) })
	fmt.Printf("%10s  %-7s  %-9s  %-13s\n", "-", "nothing", took.Round(10*time.Microsecond), stall.Round(10*time.Microsecond))
	gate := make(chan struct{})
	running := 0
	for _, count := range []int{100, 1_000, 10_000, 50_000} {
		for ; running < count; running++ {
			go parkAt(stackDepth, gate)
		}
		time.Sleep(200 * time.Millisecond)
		for _, debug := range []int{1, 2} {
			took, stall, size := observe(func(out *bytes.Buffer) {
				if err := pprof.Lookup("goroutine").WriteTo(out, debug); err != nil {
					panic(err)
				}
			})
			fmt.Printf("%10d  debug=%d  %-9s  %-13s  %d\n", count, debug, took.Round(10*time.Microsecond), stall.Round(10*time.Microsecond), size)
		}
	}
}
