package orders

import (
	"io"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// ShippingService asks the carrier what a parcel costs.
type ShippingService struct {
	db      *gorm.DB
	client  *http.Client
	carrier string
}

// HTTPBodyLeak serves /shipping/quote, which forgets the answer's body when the carrier declines. The
// connection under it can then neither be used again nor closed. Its database pool is sound.
func HTTPBodyLeak(s *shop.Server) error {
	db, err := s.OpenGormPostgres(20)
	if err != nil {
		return err
	}
	carrier, err := s.StartUpstream()
	if err != nil {
		return err
	}
	service := &ShippingService{db: db, client: shop.HTTPClient(), carrier: carrier}
	s.Handle("/shipping/quote", func(w http.ResponseWriter, r *http.Request) error {
		return service.Quote(sku(r))
	})
	return nil
}

// Quote asks for a price and notes it.
func (s *ShippingService) Quote(sku string) error {
	response, err := s.client.Get(s.carrier + "/rates/" + sku) // LEAK
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return ErrUnknownSku
	}
	defer response.Body.Close()
	rates, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return s.db.Exec(`INSERT INTO audit (note) VALUES (?)`, refundNote(sku, int64(len(rates)))).Error
}
