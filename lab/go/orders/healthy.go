package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// CartService is what the others should look like: every borrow is given back on every path.
type CartService struct {
	db     *gorm.DB
	prices PriceClient
}

// HealthyBusy serves /carts/checkout on a pool of ten, near its limit under the lab's load.
func HealthyBusy(s *shop.Server) error { return serveCarts(s, 10) }

// HealthyReport serves /carts/checkout and a report that takes minutes inside one transaction.
func HealthyReport(s *shop.Server) error { return serveCarts(s, 20) }

// HealthyIdle serves the same and is asked nothing while it is looked at.
func HealthyIdle(s *shop.Server) error { return serveCarts(s, 20) }

func serveCarts(s *shop.Server, connectionsMax int) error {
	db, err := s.OpenGormPostgres(connectionsMax)
	if err != nil {
		return err
	}
	service := &CartService{db: db}
	s.Handle("/carts/checkout", func(w http.ResponseWriter, r *http.Request) error {
		return service.Checkout(r.Context(), sku(r))
	})
	s.Handle("/carts/report", func(w http.ResponseWriter, r *http.Request) error {
		total, err := service.Report(r.Context())
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int64{"totalCents": total})
	})
	return nil
}

// Checkout prices a cart twice, as offered and as charged, in one short transaction.
func (s *CartService) Checkout(ctx context.Context, sku string) error {
	tx := s.db.WithContext(ctx).Begin()
	if tx.Error != nil {
		return tx.Error
	}
	defer tx.Rollback()
	offered, err := s.prices.Lookup(ctx, sku)
	if err != nil {
		return err
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, refundNote(sku, offered)).Error; err != nil {
		return err
	}
	if _, err := s.prices.Lookup(ctx, sku+"-charged"); err != nil {
		return err
	}
	return tx.Commit().Error
}

// Report reads a consistent picture: two queries in one transaction, the first of them long. The sleep
// stands for the size of a real table.
func (s *CartService) Report(ctx context.Context) (int64, error) {
	var total, count int64
	err := s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Raw(`SELECT sum(total_cents) FROM orders, pg_sleep(240)`).Scan(&total).Error
		if err != nil {
			return err
		}
		return tx.Raw(`SELECT count(*) FROM orders`).Scan(&count).Error
	})
	return total, err
}
