package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// SubscriptionService renews subscriptions all day and cancels one now and then.
type SubscriptionService struct {
	db     *gorm.DB
	prices PriceClient
}

// TxRarePath serves /subscriptions/renew, which is busy and sound, and /subscriptions/cancel, which is rare
// and forgets its transaction when the subscription is already cancelled.
func TxRarePath(s *shop.Server) error {
	db, err := s.OpenGormPostgres(40)
	if err != nil {
		return err
	}
	service := &SubscriptionService{db: db}
	s.Handle("/subscriptions/renew", func(w http.ResponseWriter, r *http.Request) error {
		return service.Renew(r.Context(), sku(r))
	})
	s.Handle("/subscriptions/cancel", func(w http.ResponseWriter, r *http.Request) error {
		return service.Cancel(sku(r))
	})
	return nil
}

// Renew books another month.
func (s *SubscriptionService) Renew(ctx context.Context, sku string) error {
	tx := s.db.WithContext(ctx).Begin()
	if tx.Error != nil {
		return tx.Error
	}
	defer tx.Rollback()
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "renewed "+sku).Error; err != nil {
		return err
	}
	if _, err := s.prices.Lookup(ctx, sku); err != nil {
		return err
	}
	return tx.Commit().Error
}

// Cancel ends a subscription that runs.
func (s *SubscriptionService) Cancel(sku string) error {
	tx := s.db.Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	var available int64
	if err := tx.Raw(`SELECT available FROM stock WHERE sku = ?`, sku).Scan(&available).Error; err != nil {
		tx.Rollback()
		return err
	}
	if available > 0 {
		return nil
	}
	return tx.Commit().Error
}
