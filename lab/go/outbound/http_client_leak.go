package outbound

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// QuoteClient asks for quotes, each by a client of its own.
type QuoteClient struct {
	carrier string
}

// HTTPClientLeak serves /quote with a client and a transport made for each request, and forgotten: the connection
// that each transport keeps stays open with its two goroutines, and nobody can ever use it again.
func HTTPClientLeak(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	quotes := &QuoteClient{carrier: "http://" + carrier.Plain}
	s.Handle("/quote", func(w http.ResponseWriter, r *http.Request) error {
		return quotes.Ask(article(r))
	})
	return nil
}

// Ask reads all of the answer.
func (c *QuoteClient) Ask(sku string) error {
	client := &http.Client{Transport: &http.Transport{}}
	return quote(client, c.carrier+"/rates/"+sku)
}
