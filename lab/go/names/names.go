// Package names is services that look names up: too often, at a slow or lying server, or now and then as they should.
package names

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"plumbline.dev/lab/shop"
)

// Setups names what each scenario of this package serves.
var Setups = map[string]func(*shop.Server) error{
	"dns-storm-search":   Serve,
	"dns-slow":           Serve,
	"healthy-dns":        Serve,
	"dns-hijack":         ServeEdges,
	"dns-hijack-address": ServeEdges,
	"dns-honest":         ServeEdges,
	"dns-split-horizon":  ServeEdges,
	"dns-cdn":            ServeEdges,
}

// carrier is the name the lab's name server knows.
const carrier = "carrier"

// Shipping asks a carrier by its name.
type Shipping struct {
	client *http.Client
	port   string
}

// Serve serves /shipping/nearest, which looks the carrier up itself each time, and /shipping/quote, which leaves
// that to a client that keeps its connections.
func Serve(s *shop.Server) error {
	upstream, err := s.StartUpstream()
	if err != nil {
		return err
	}
	at, err := url.Parse(upstream)
	if err != nil {
		return err
	}
	shipping := &Shipping{client: shop.HTTPClient(), port: at.Port()}
	s.Handle("/shipping/nearest", func(w http.ResponseWriter, r *http.Request) error {
		addresses, err := shipping.Nearest(r.Context())
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, addresses)
	})
	s.Handle("/shipping/quote", func(w http.ResponseWriter, r *http.Request) error {
		return shipping.Quote(r.Context(), r.URL.Query().Get("sku"))
	})
	return nil
}

// Nearest would choose among the carrier's addresses; for that it asks for them anew each time.
func (s *Shipping) Nearest(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return net.DefaultResolver.LookupHost(ctx, carrier) // LEAK
}

// Quote needs the name only for a new connection.
func (s *Shipping) Quote(ctx context.Context, sku string) error {
	return s.get(ctx, carrier, sku)
}
