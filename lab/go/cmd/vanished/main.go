// Serves net/http/pprof on the address it is given, renews leases and looks them up, each in a goroutine that ends at
// once. A renewal forgets its context's cancel function; what is left of it has nothing of this program on its stack.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"time"
)

// A context of another kind than package context's own: there a goroutine waits for it in each context made from it.
type lease struct {
	context.Context
	ended chan struct{}
}

func (l lease) Done() <-chan struct{} { return l.ended }

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	go every(200*time.Millisecond, renew)
	go every(5*time.Millisecond, lookUp)
	_ = http.Serve(listener, nil)
}

func every(pause time.Duration, work func(lease)) {
	all := lease{context.Background(), make(chan struct{})}
	for range time.Tick(pause) {
		go work(all)
	}
}

func renew(of lease) {
	ctx, _ := context.WithCancel(of) // LEAK
	_ = ctx.Err()
}

func lookUp(of lease) {
	ctx, cancel := context.WithCancel(of)
	defer cancel()
	_ = ctx.Err()
}
