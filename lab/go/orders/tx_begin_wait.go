package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// BookingService books appointments for deliveries.
type BookingService struct {
	db     *gorm.DB
	prices PriceClient
}

// TxBeginWait serves /bookings/book behind pgbouncer. The service's own pool has room; the bouncer has
// no server connection left, so BEGIN does not come back.
func TxBeginWait(s *shop.Server) error {
	db, err := s.OpenGormBouncer(40)
	if err != nil {
		return err
	}
	service := &BookingService{db: db}
	s.Handle("/bookings/book", func(w http.ResponseWriter, r *http.Request) error {
		return service.Book(sku(r))
	})
	return nil
}

// Book takes a slot for an article.
func (s *BookingService) Book(sku string) error {
	tx := s.db.Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	defer tx.Rollback()
	if _, err := s.prices.Lookup(context.TODO(), sku); err != nil {
		return err
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "booked "+sku).Error; err != nil {
		return err
	}
	return tx.Commit().Error
}
