// Command borrows takes connections from a pool and gives them back, at a known pace and number, and
// forgets some of them at known lines. It is what the borrow ledger is tested and measured against.
//
//	borrows -workers 8 -borrows 100000 -pool-size 20 -leak-every 10000 -hold
//
// It prints one line of JSON when it is ready, waits for the line "go" on standard input, works, and
// prints one line of JSON with what it did. With -hold it then stays, its leaks with it, until standard
// input is closed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

// plan is what the flags ask for.
type plan struct {
	workers   int
	borrows   int
	seconds   float64
	rate      float64
	poolSize  int
	leakEvery int
	leakMax   int
	before    int
	work      time.Duration
	driver    string
	dsn       string
	http      bool
	pgxpool   bool
	hold      bool
}

// pool is one kind of pool at work. Its methods are called by many workers at once.
type pool interface {
	// Borrow takes one connection, keeps it for the time of the work, and gives it back. n varies the way.
	Borrow(n int, work time.Duration) error
	// Leaks names what Leak can forget.
	Leaks() []string
	// Leak takes one connection and forgets it.
	Leak(kind string) error
	Stats() poolStats
}

// poolStats is what the pool says of itself; the names are those of sql.DBStats.
type poolStats struct {
	OpenConnections int
	InUse           int
	Idle            int
	WaitCount       int64
}

func main() {
	asked := readFlags()
	pool, err := openPool(asked)
	if err != nil {
		fail("open", err)
	}
	leaks := newLeaker(pool, asked.leakEvery, asked.leakMax)
	for i := 0; i < asked.before; i++ {
		if err := leaks.one(); err != nil {
			fail("leak before", err)
		}
	}
	before := leaks.takeCounts()
	said(map[string]any{"ready": true, "pid": os.Getpid(), "go": runtime.Version()})
	input := bufio.NewReader(os.Stdin)
	if line, err := input.ReadString('\n'); err != nil || line != "go\n" {
		return
	}
	done := work(pool, leaks, asked)
	done.LeakedBefore = before
	said(done)
	if asked.hold {
		_, _ = input.ReadString(0)
	}
	// What was leaked is still in the pool's books: the pool must outlive the wait.
	runtime.KeepAlive(pool)
}

func readFlags() plan {
	var asked plan
	flag.IntVar(&asked.workers, "workers", 4, "callers at once")
	flag.IntVar(&asked.borrows, "borrows", 0, "end after so many, all workers together")
	flag.Float64Var(&asked.seconds, "seconds", 0, "end after this time")
	flag.Float64Var(&asked.rate, "rate", 0, "borrows a second, all workers together; 0 = as fast as it goes")
	flag.IntVar(&asked.poolSize, "pool-size", 20, "connections of the pool")
	flag.IntVar(&asked.leakEvery, "leak-every", 0, "one borrow in so many is a leak; 0 = none")
	flag.IntVar(&asked.leakMax, "leak-max", -1, "no more leaks than this; default half the pool")
	flag.IntVar(&asked.before, "before", 0, "leaks made before it is ready")
	flag.DurationVar(&asked.work, "work", 0, "how long a connection is kept, such as 200us")
	flag.StringVar(&asked.driver, "driver", "memory", "database/sql driver: memory, postgres (lib/pq), pgx")
	flag.StringVar(&asked.dsn, "dsn", "", "database URL, but for the memory driver")
	flag.BoolVar(&asked.http, "http", false, "HTTP connections to a server of its own instead of a database")
	flag.BoolVar(&asked.pgxpool, "pgxpool", false, "a pgx v5 pool on -dsn instead of database/sql")
	flag.BoolVar(&asked.hold, "hold", false, "stay after the work until standard input is closed")
	flag.Parse()
	if asked.workers < 1 || asked.poolSize < 1 || (asked.borrows <= 0) == (asked.seconds <= 0) {
		fmt.Fprintln(os.Stderr, "borrows: workers and a pool are needed, and -borrows or -seconds")
		flag.Usage()
		os.Exit(2)
	}
	if asked.leakMax < 0 {
		asked.leakMax = asked.poolSize / 2
	}
	return asked
}

func openPool(asked plan) (pool, error) {
	switch {
	case asked.http:
		return openHTTP(asked.poolSize)
	case asked.pgxpool:
		return openPgxpool(asked.dsn, asked.poolSize)
	default:
		return openSQL(asked.driver, asked.dsn, asked.poolSize)
	}
}

func said(line any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fail("write", err)
	}
}

func fail(what string, err error) {
	fmt.Fprintf(os.Stderr, "borrows: %s: %v\n", what, err)
	os.Exit(1)
}
