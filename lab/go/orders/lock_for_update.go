package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// InventoryService allocates pieces to orders.
type InventoryService struct {
	db     *gorm.DB
	prices PriceClient
}

// LockForUpdate serves /inventory/allocate, which is right: it waits for a row that somebody else's
// idle transaction has locked.
func LockForUpdate(s *shop.Server) error {
	db, err := s.OpenGormPostgres(40)
	if err != nil {
		return err
	}
	service := &InventoryService{db: db}
	s.Handle("/inventory/allocate", func(w http.ResponseWriter, r *http.Request) error {
		return service.Allocate(r.Context(), sku(r))
	})
	return nil
}

// Allocate takes one piece for an order.
func (s *InventoryService) Allocate(ctx context.Context, sku string) error {
	return s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var available int64
		err := tx.Raw(`SELECT available FROM stock WHERE sku = ? FOR UPDATE`, sku).Scan(&available).Error
		if err != nil {
			return err
		}
		if _, err := s.prices.Lookup(ctx, sku); err != nil {
			return err
		}
		return tx.Exec(`UPDATE stock SET available = available - 1 WHERE sku = ?`, sku).Error
	})
}
