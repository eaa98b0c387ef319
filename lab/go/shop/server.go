// Package shop is the shell around the order service: its HTTP server, its pools and its metrics.
// Nothing in here leaks; the faults are in package orders, one file each.
package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server is one running service. It is filled by the scenario's setup before Serve and read-only after.
type Server struct {
	// Ctx ends when the service is told to stop.
	Ctx context.Context
	// DatabaseURL as given on the command line.
	DatabaseURL string

	scenario string
	mux      *http.ServeMux
}

// HandlerFunc is a request handler that may fail.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// ErrRefused is a request the service understood and declined: a business error, status 422.
var ErrRefused = errors.New("refused")

// New makes a server with /debug/pprof, /metrics and /healthz in place.
func New(ctx context.Context, scenario, databaseURL string) *Server {
	s := &Server{
		Ctx:         ctx,
		DatabaseURL: databaseURL,
		scenario:    scenario,
		mux:         http.NewServeMux(),
	}
	s.mux.HandleFunc("/debug/pprof/", pprof.Index)
	s.mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	s.mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	s.mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	s.mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s.mux.Handle("/metrics", promhttp.Handler())
	s.mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	return s
}

// Register adds a collector to /metrics.
func (s *Server) Register(c prometheus.Collector) { prometheus.MustRegister(c) }

// Handle serves one path with the usual middleware.
func (s *Server) Handle(path string, handler HandlerFunc) {
	s.mux.Handle(path, recovered(answered(handler)))
}

// HandleLabelled is Handle for services that label their goroutines with the route they serve.
func (s *Server) HandleLabelled(path string, handler HandlerFunc) {
	s.mux.Handle(path, recovered(labelled(path, answered(handler))))
}

// ready is the one line a supervisor reads from standard output.
type ready struct {
	Ready    bool   `json:"ready"`
	Scenario string `json:"scenario"`
	Pid      int    `json:"pid"`
	Go       string `json:"go"`
	Base     string `json:"base"`
	Pprof    string `json:"pprof"`
	Metrics  string `json:"metrics"`
}

// Serve listens, says so, and returns when Ctx ends or listening fails.
func (s *Server) Serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	server := &http.Server{Handler: s.mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-s.Ctx.Done()
		_ = server.Close()
	}()
	line, err := json.Marshal(ready{
		Ready: true, Scenario: s.scenario, Pid: os.Getpid(), Go: runtime.Version(),
		Base: base, Pprof: base + "/debug/pprof", Metrics: base + "/metrics",
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Logf writes a line of service log to standard error.
func Logf(format string, args ...any) { log.Printf(format, args...) }
