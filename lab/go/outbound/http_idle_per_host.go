package outbound

import (
	"io"
	"net/http"

	"plumbline.dev/lab/shop"
)

// PriceBoard collects the carrier's rates.
type PriceBoard struct {
	client  *http.Client
	carrier string
}

// HTTPIdlePerHost serves /board, which asks for twenty rates at once over a transport that keeps two idle
// connections a host, as net/http does by itself.
func HTTPIdlePerHost(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	tellCarrier(s, carrier.Plain)
	board := &PriceBoard{client: &http.Client{Transport: &http.Transport{}}, carrier: "http://" + carrier.Plain}
	s.Handle("/board", func(w http.ResponseWriter, r *http.Request) error {
		return together(20, func(int) error { return board.Rate(article(r)) })
	})
	return nil
}

// Rate asks for one and reads all of the answer.
func (b *PriceBoard) Rate(sku string) error {
	response, err := b.client.Get(b.carrier + "/rates/" + sku)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
