package outbound

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// HealthyReload serves /rate, and /reload, which asks for seventy rates at once and then drops every idle
// connection, as a service does that has read its settings anew.
func HealthyReload(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	tellCarrier(s, carrier.Plain)
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 100, MaxIdleConnsPerHost: 100}}
	board := &PriceBoard{client: client, carrier: "http://" + carrier.Plain}
	s.Handle("/rate", func(w http.ResponseWriter, r *http.Request) error {
		return board.Rate(article(r))
	})
	s.Handle("/reload", func(w http.ResponseWriter, r *http.Request) error {
		defer client.CloseIdleConnections()
		return together(70, func(int) error { return board.Rate(article(r)) })
	})
	return nil
}
