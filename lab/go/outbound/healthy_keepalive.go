package outbound

import (
	"io"
	"net/http"

	"plumbline.dev/lab/shop"
)

// HealthyKeepalive serves /board, which asks for eleven rates at once over connections that are kept, and then
// lie idle.
func HealthyKeepalive(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	board := &PriceBoard{client: shop.HTTPClient(), carrier: "http://" + carrier.Plain}
	s.Handle("/board", func(w http.ResponseWriter, r *http.Request) error {
		return together(11, func(int) error { return board.Rate(article(r)) })
	})
	s.Handle("/rate", func(w http.ResponseWriter, r *http.Request) error {
		return board.Rate(article(r))
	})
	s.Handle("/label", func(w http.ResponseWriter, r *http.Request) error {
		return board.Label(w, article(r))
	})
	return nil
}

// Label hands on a label as it comes.
func (b *PriceBoard) Label(w io.Writer, sku string) error {
	response, err := b.client.Get(b.carrier + "/label/" + sku)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(w, response.Body)
	return err
}
