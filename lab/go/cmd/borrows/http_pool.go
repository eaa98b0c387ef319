package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A whole answer is more than the client reads ahead. An endless one is more than all buffers on the way
// hold, so that the server too sees whether it is taken.
const (
	wholeBytes   = 64 << 10
	endlessBytes = 16 << 20
)

// settleTime: the server notices the end of an answer a moment after the client has it.
const settleTime = 50 * time.Millisecond

// httpPool is a client's Transport and a server of its own to ask.
type httpPool struct {
	client *http.Client
	base   string

	mu    sync.Mutex
	conns map[net.Conn]http.ConnState
}

func openHTTP(size int) (pool, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConns: size, MaxIdleConnsPerHost: size, MaxConnsPerHost: size}
	p := &httpPool{
		client: &http.Client{Transport: transport},
		base:   "http://" + listener.Addr().String(),
		conns:  map[net.Conn]http.ConnState{},
	}
	body := make([]byte, endlessBytes)
	mux := http.NewServeMux()
	mux.HandleFunc("/whole", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body[:wholeBytes]) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/refused", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write(body)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ConnState: p.note}
	go func() { _ = server.Serve(listener) }()
	return p, nil
}

// note is told by the server what each of its connections does.
func (p *httpPool) note(conn net.Conn, state http.ConnState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if state == http.StateClosed {
		delete(p.conns, conn)
		return
	}
	p.conns[conn] = state
}

// Stats is the server's view: a connection is in use until its answer has been taken.
func (p *httpPool) Stats() poolStats {
	time.Sleep(settleTime)
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := poolStats{OpenConnections: len(p.conns)}
	for _, state := range p.conns {
		// A new one was dialled in vain: another became free first. The client keeps it unused.
		if state == http.StateActive {
			stats.InUse++
		} else {
			stats.Idle++
		}
	}
	return stats
}

func (p *httpPool) Borrow(n int, work time.Duration) error {
	path := "/short"
	if n%3 == 0 {
		path = "/whole"
	}
	response, err := p.client.Get(p.base + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	pass(work)
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func (p *httpPool) Leaks() []string { return []string{"http-unclosed", "http-status", "http-unread"} }

func (p *httpPool) Leak(kind string) error {
	switch kind {
	case "http-unclosed":
		return p.leakUnclosed()
	case "http-status":
		return p.leakOnStatus()
	case "http-unread":
		return p.leakHalfRead()
	default:
		return fmt.Errorf("no way to leak %q", kind)
	}
}

func (p *httpPool) leakUnclosed() error {
	_, err := p.client.Get(p.base + "/endless") // LEAK http-unclosed
	return err
}

func (p *httpPool) leakOnStatus() error {
	response, err := p.client.Get(p.base + "/refused") // LEAK http-status
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return nil
	}
	return response.Body.Close()
}

func (p *httpPool) leakHalfRead() error {
	response, err := p.client.Get(p.base + "/endless") // LEAK http-unread
	if err != nil {
		return err
	}
	start := make([]byte, 100)
	if _, err := io.ReadFull(response.Body, start); errors.Is(err, io.ErrUnexpectedEOF) {
		return response.Body.Close()
	}
	return nil
}
