package outbound

import (
	"crypto/tls"
	"net/http"

	"plumbline.dev/lab/shop"
)

// HealthyHTTP2 serves /rate and /follow over one connection of HTTP/2 with many streams.
func HealthyHTTP2(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	// The other side makes its own certificate: nobody else could vouch for it.
	settings := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: settings}}
	tracker := &Tracker{client: client, carrier: carrier.TLS, stops: make(chan string)}
	board := &PriceBoard{client: client, carrier: carrier.TLS}
	s.Handle("/rate", func(w http.ResponseWriter, r *http.Request) error {
		return board.Rate(article(r))
	})
	s.Handle("/follow", func(w http.ResponseWriter, r *http.Request) error {
		response, err := client.Get(carrier.TLS + "/track/" + article(r) + "-loud")
		if err != nil {
			return err
		}
		go tracker.follow(response.Body, false)
		return nil
	})
	return nil
}
