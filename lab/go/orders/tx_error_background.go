package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// OrderService reserves stock for an order.
type OrderService struct {
	db     *gorm.DB
	prices PriceClient
}

// TxErrorBackground serves /orders/reserve, which forgets its transaction when pricing fails.
// gorm runs it under context.Background(), so nothing ever ends it.
func TxErrorBackground(s *shop.Server) error { return serveReserve(s, 40) }

// RareLeak is the same service with a larger pool, for a leak that comes slowly out of busy traffic.
func RareLeak(s *shop.Server) error { return serveReserve(s, 90) }

func serveReserve(s *shop.Server, connectionsMax int) error {
	db, err := s.OpenGormPostgres(connectionsMax)
	if err != nil {
		return err
	}
	service := &OrderService{db: db}
	s.Handle("/orders/reserve", func(w http.ResponseWriter, r *http.Request) error {
		total, err := service.Reserve(sku(r))
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int64{"totalCents": total})
	})
	return nil
}

// Reserve takes one piece from stock and books its price.
func (s *OrderService) Reserve(sku string) (int64, error) {
	tx := s.db.Begin() // LEAK
	if tx.Error != nil {
		return 0, tx.Error
	}
	var available int64
	if err := tx.Raw(`SELECT available FROM stock WHERE sku = ?`, sku).Scan(&available).Error; err != nil {
		tx.Rollback()
		return 0, err
	}
	price, err := s.prices.Lookup(context.TODO(), sku)
	if err != nil {
		return 0, err
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "reserved "+sku).Error; err != nil {
		tx.Rollback()
		return 0, err
	}
	return price, tx.Commit().Error
}
