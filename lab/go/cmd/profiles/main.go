// Program profiles writes one profile of every kind that a Go program has into a folder, as protocol buffer
// (NAME.pb.gz) and, where there is one, as text (NAME.debug1.txt): what the decoders are tested on.
//
//	profiles -out FOLDER
//
// The work is made to be hard to read: labels, inlined calls, deep recursion, closures, generic functions.
package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"
)

func main() {
	out := flag.String("out", "", "folder for the profiles")
	burn := flag.Duration("burn", 400*time.Millisecond, "time to use the CPU for")
	flag.Parse()
	if *out == "" {
		log.Fatal("profiles: -out is missing")
	}
	runtime.MemProfileRate = 1024
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(3)

	var cpu bytes.Buffer
	if err := pprof.StartCPUProfile(&cpu); err != nil {
		log.Fatal(err)
	}
	kept := work(*burn)
	pprof.StopCPUProfile()
	write(*out, "cpu.pb.gz", cpu.Bytes())

	connections := pprof.NewProfile("connections")
	for i := 0; i < 7; i++ {
		borrow(connections, i)
	}
	stop := park()
	contend()
	leak(11)
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	for _, profile := range pprof.Profiles() {
		for debug, suffix := range []string{".pb.gz", ".debug1.txt"} {
			var page bytes.Buffer
			if err := profile.WriteTo(&page, debug); err != nil {
				log.Fatal(err)
			}
			write(*out, profile.Name()+suffix, page.Bytes())
		}
	}
	close(stop)
	runtime.KeepAlive(kept)
}

func write(folder, name string, page []byte) {
	if err := os.WriteFile(filepath.Join(folder, name), page, 0o644); err != nil {
		log.Fatal(err)
	}
}

type order struct {
	id    int
	lines []byte
}

// work allocates and calculates under changing labels until its time is over.
func work(burn time.Duration) []*order {
	var kept []*order
	start := time.Now()
	for round := 0; time.Since(start) < burn; round++ {
		labels := pprof.Labels("endpoint", "/v1/orders", "round", strconv.Itoa(round%5), "quoted", "a]: \"b\"\té")
		pprof.Do(context.Background(), labels, func(context.Context) {
			kept = append(keep(kept), newOrder(round))
			sink += recurse(60 + round%30)
			sink += sum([]int{round, round + 1, round + 2})
		})
	}
	return kept
}

var sink int

// keep is inlined into its caller.
func keep(orders []*order) []*order {
	if len(orders) > 500 {
		return orders[:250]
	}
	return orders
}

// newOrder and size are inlined into each other's callers.
func newOrder(id int) *order { return &order{id: id, lines: make([]byte, size(id))} }

func size(id int) int { return 100 + id%17*300 }

//go:noinline
func recurse(deep int) int {
	if deep == 0 {
		return spin(20_000)
	}
	return 1 + recurse(deep-1)
}

//go:noinline
func spin(n int) int {
	total := 0
	for i := 0; i < n; i++ {
		total += i * i % 7
	}
	return total
}

func sum[T int | float64](values []T) T {
	var total T
	for _, value := range values {
		total += value
	}
	return total
}

//go:noinline
func borrow(connections *pprof.Profile, i int) {
	if i%2 == 0 {
		connections.Add(&order{id: i}, 0)
		return
	}
	viaPool(connections, i)
}

//go:noinline
func viaPool(connections *pprof.Profile, i int) { connections.Add(&order{id: i}, 0) }

// park leaves goroutines waiting in different ways, some with labels.
func park() chan struct{} {
	stop := make(chan struct{})
	for i := 0; i < 13; i++ {
		go func() { <-stop }()
	}
	for i := 0; i < 5; i++ {
		pprof.Do(context.Background(), pprof.Labels("worker", strconv.Itoa(i%2)), func(context.Context) {
			go wait(stop, 40+i%2)
		})
	}
	time.Sleep(20 * time.Millisecond)
	return stop
}

//go:noinline
func wait(stop chan struct{}, deep int) {
	if deep > 0 {
		wait(stop, deep-1)
		return
	}
	select {
	case <-stop:
	case <-time.After(time.Hour):
	}
}

// contend makes goroutines wait for a lock and for a channel.
func contend() {
	var lock sync.Mutex
	var all sync.WaitGroup
	results := make(chan int)
	for i := 0; i < 6; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			for turn := 0; turn < 20; turn++ {
				hold(&lock)
			}
			results <- i
		}(i)
	}
	go func() {
		all.Wait()
		close(results)
	}()
	for range results {
		time.Sleep(time.Millisecond)
	}
}

func hold(lock *sync.Mutex) {
	lock.Lock()
	defer lock.Unlock()
	time.Sleep(200 * time.Microsecond)
}

// leak starts goroutines that nothing can ever wake.
//
//go:noinline
func leak(n int) {
	for i := 0; i < n; i++ {
		nobody := make(chan int)
		go func() { nobody <- 1 }()
	}
	time.Sleep(10 * time.Millisecond)
}
