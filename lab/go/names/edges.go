package names

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"

	"plumbline.dev/lab/shop"
)

// rates is a name that the carrier has on the internet.
const rates = "rates.carrier.example"

// edgeHost is where a name server that wants it so leads to. All of 127.0.0.0/8 is this host.
const edgeHost = "127.66.7.13"

// ServeEdges is Serve, and /shipping/edge, which asks who carries the carrier's public name, and /shipping/rates, which
// calls it by that name.
func ServeEdges(s *shop.Server) error {
	if err := Serve(s); err != nil {
		return err
	}
	edge, err := s.StartUpstreamOn(edgeHost)
	if err != nil {
		return err
	}
	at, err := url.Parse(edge)
	if err != nil {
		return err
	}
	shipping := &Shipping{client: shop.HTTPClient(), port: at.Port()}
	s.Handle("/shipping/edge", func(w http.ResponseWriter, r *http.Request) error {
		name, err := shipping.Edge(r.Context())
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, name)
	})
	s.Handle("/shipping/rates", func(w http.ResponseWriter, r *http.Request) error {
		return shipping.Rates(r.Context(), r.URL.Query().Get("sku"))
	})
	return nil
}

// Edge follows the aliases of the carrier's name to their end, one at a time. It takes for granted that there is one.
func (s *Shipping) Edge(ctx context.Context) (string, error) {
	for name := rates + "."; ; {
		target, err := net.DefaultResolver.LookupCNAME(ctx, name)
		if err != nil || target == name {
			return target, err
		}
		name = target
	}
}

// Rates calls the carrier by its public name.
func (s *Shipping) Rates(ctx context.Context, sku string) error {
	return s.get(ctx, rates, sku)
}

func (s *Shipping) get(ctx context.Context, host, sku string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, s.port)+"/rates/"+sku, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
