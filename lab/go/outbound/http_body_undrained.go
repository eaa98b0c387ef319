package outbound

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// LabelChecker asks whether a parcel has its label.
type LabelChecker struct {
	client  *http.Client
	carrier string
}

// HTTPBodyUndrained serves /label/check, which looks at the answer's status and closes its body unread: the
// client can only close the connection under it.
func HTTPBodyUndrained(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	labels := &LabelChecker{client: shop.HTTPClient(), carrier: "http://" + carrier.Plain}
	s.Handle("/label/check", func(w http.ResponseWriter, r *http.Request) error {
		return labels.Check(article(r))
	})
	return nil
}

// Check asks for the label and is content that there is one.
func (c *LabelChecker) Check(sku string) error {
	response, err := c.client.Get(c.carrier + "/label/" + sku) // LEAK
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return shop.ErrRefused
	}
	return nil
}
