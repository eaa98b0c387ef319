package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// PaymentService captures authorised payments.
type PaymentService struct {
	db     *gorm.DB
	prices PriceClient
}

// receipt is what the payment provider sends back; Fee is absent for some cards.
type receipt struct{ Fee *int64 }

// TxPanic serves /payments/capture, which panics inside its transaction for some cards. The middleware
// recovers the panic; nobody recovers the transaction. Its goroutines carry the route as a label.
func TxPanic(s *shop.Server) error {
	db, err := s.OpenGormPostgres(50)
	if err != nil {
		return err
	}
	service := &PaymentService{db: db}
	s.HandleLabelled("/payments/capture", func(w http.ResponseWriter, r *http.Request) error {
		return service.Capture(sku(r), r.URL.Query().Get("card"))
	})
	return nil
}

// Capture books a payment and the provider's fee.
func (s *PaymentService) Capture(sku, card string) error {
	tx := s.db.Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	price, err := s.prices.Lookup(context.TODO(), sku)
	if err != nil {
		tx.Rollback()
		return err
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "paid "+sku).Error; err != nil {
		tx.Rollback()
		return err
	}
	paid := s.settle(card, price)
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, refundNote(sku, *paid.Fee)).Error; err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit().Error
}

func (s *PaymentService) settle(card string, price int64) receipt {
	if card == "prepaid" {
		return receipt{}
	}
	fee := price / 50
	return receipt{Fee: &fee}
}
