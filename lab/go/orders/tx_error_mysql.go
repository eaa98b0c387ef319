package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// ReturnService takes goods back.
type ReturnService struct {
	db     *gorm.DB
	prices PriceClient
}

// TxErrorMySQL serves /returns/refund on MariaDB, which forgets its transaction when pricing fails.
func TxErrorMySQL(s *shop.Server) error {
	db, err := s.OpenGormMySQL(40)
	if err != nil {
		return err
	}
	service := &ReturnService{db: db}
	s.Handle("/returns/refund", func(w http.ResponseWriter, r *http.Request) error {
		return service.Refund(sku(r))
	})
	return nil
}

// Refund notes the return and looks up what is to be paid back.
func (s *ReturnService) Refund(sku string) error {
	tx := s.db.Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "returned "+sku).Error; err != nil {
		tx.Rollback()
		return err
	}
	price, err := s.prices.Lookup(context.TODO(), sku)
	if err != nil {
		return err
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, refundNote(sku, price)).Error; err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit().Error
}
