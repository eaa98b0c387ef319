package outbound

import (
	"io"
	"net/http"

	"plumbline.dev/lab/shop"
)

// RatesClient asks the carrier what a parcel costs.
type RatesClient struct {
	client  *http.Client
	carrier string
}

// HTTPBodyDump serves /quote, which forgets the answer's body when the carrier declines, as http-body-leak does;
// but it did so long ago, and does not any more.
func HTTPBodyDump(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	rates := &RatesClient{client: shop.HTTPClient(), carrier: "http://" + carrier.Plain}
	s.Handle("/quote", func(w http.ResponseWriter, r *http.Request) error {
		return rates.Quote(article(r))
	})
	return nil
}

// Quote asks for a price.
func (c *RatesClient) Quote(sku string) error {
	response, err := c.client.Get(c.carrier + "/rates/" + sku) // LEAK
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return shop.ErrRefused
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
