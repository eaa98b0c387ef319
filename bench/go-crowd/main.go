// Command crowd is a service of a given size that does nothing: N goroutines parked under stacks of some
// depth, and M TCP sockets to itself on loopback. It prints its pid and ends when its input does.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

func main() {
	goroutines := flag.Int("goroutines", 10_000, "parked goroutines")
	sockets := flag.Int("sockets", 10_000, "connected sockets, both ends counted")
	flag.Parse()

	pprof, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(pprof, nil)) }()

	never := make(chan struct{})
	for i := 0; i < *goroutines; i++ {
		go descend(i%12+4, never)
	}
	held := connect(*sockets / 2)

	fmt.Println(os.Getpid())
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, conn := range held {
		_ = conn.Close()
	}
}

// descend parks at a depth that differs from goroutine to goroutine, so that there are several stacks.
func descend(depth int, never <-chan struct{}) {
	if depth > 0 {
		descend(depth-1, never)
		return
	}
	<-never
}

// connect makes pairs of sockets, over enough local addresses that the port range does not run out.
func connect(pairs int) []net.Conn {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer listener.Close()
	held := make([]net.Conn, 0, 2*pairs)
	for i := 0; i < pairs; i++ {
		client, err := net.Dial("tcp", listener.Addr().String())
		check(err)
		server, err := listener.Accept()
		check(err)
		held = append(held, client, server)
	}
	return held
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
