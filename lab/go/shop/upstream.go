package shop

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// StartUpstream serves the carrier's rates beside the service and returns where. GET /rates/SKU answers 200
// with a price list, and 404 with a page of regret for anything named discontinued-*.
func (s *Server) StartUpstream() (string, error) {
	return s.StartUpstreamOn("127.0.0.1")
}

// StartUpstreamOn is StartUpstream on another address of this host.
func (s *Server) StartUpstreamOn(host string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/rates/", func(w http.ResponseWriter, r *http.Request) {
		article := strings.TrimPrefix(r.URL.Path, "/rates/")
		time.Sleep(5 * time.Millisecond)
		if strings.HasPrefix(article, "discontinued-") {
			http.Error(w, strings.Repeat("no carrier takes "+article+"\n", 20), http.StatusNotFound)
			return
		}
		for zone := 1; zone <= 40; zone++ {
			fmt.Fprintf(w, "%s zone %d: %d cents\n", article, zone, 400+zone*15)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-s.Ctx.Done()
		_ = server.Close()
	}()
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// HTTPClient is a client as services have them: connections are kept for the next request.
func HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: 50, MaxIdleConnsPerHost: 50}}
}
