package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// TransferService moves stock between warehouses.
type TransferService struct {
	db     *gorm.DB
	prices PriceClient
}

// PoolDeadlock serves /transfers/book on a pool of seven. Each transfer notes itself on a second
// connection while it holds its first: seven at once wait for each other for ever.
func PoolDeadlock(s *shop.Server) error {
	db, err := s.OpenGormPostgres(7)
	if err != nil {
		return err
	}
	service := &TransferService{db: db}
	s.Handle("/transfers/book", func(w http.ResponseWriter, r *http.Request) error {
		return service.Transfer(sku(r))
	})
	return nil
}

// Transfer books an article out of one warehouse and into another.
func (s *TransferService) Transfer(sku string) error {
	return s.db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "out "+sku).Error; err != nil {
			return err
		}
		if _, err := s.prices.Lookup(context.TODO(), sku); err != nil {
			return err
		}
		return s.noteTransfer(sku)
	})
}

// noteTransfer writes to the audit on its own, so that the note stays when the transfer is undone.
func (s *TransferService) noteTransfer(sku string) error {
	return s.db.Exec(`INSERT INTO audit (note) VALUES (?)`, "transfer "+sku).Error // LEAK
}
