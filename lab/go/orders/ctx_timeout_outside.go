package orders

import (
	"context"
	"net/http"
	"time"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// SettlementService settles accounts with the suppliers.
type SettlementService struct {
	db     *gorm.DB
	prices PriceClient
}

// settleTimeMax bounds one settlement.
const settleTimeMax = 8 * time.Second

// CtxTimeoutOutside serves /settlements/settle. The timeout is taken outside the transaction and its
// cancel func belongs to the caller's caller, so a forgotten transaction lives until the deadline and
// then takes its connection with it.
func CtxTimeoutOutside(s *shop.Server) error {
	db, err := s.OpenGormPostgres(50)
	if err != nil {
		return err
	}
	service := &SettlementService{db: db}
	s.Handle("/settlements/settle", func(w http.ResponseWriter, r *http.Request) error {
		// Settling goes on when the browser leaves: the request's context is not used on purpose.
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeMax)
		time.AfterFunc(settleTimeMax, cancel)
		return service.Settle(ctx, sku(r))
	})
	return nil
}

// Settle pays one article's supplier.
func (s *SettlementService) Settle(ctx context.Context, sku string) error {
	tx := s.db.WithContext(ctx).Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "settled "+sku).Error; err != nil {
		tx.Rollback()
		return err
	}
	if _, err := s.prices.Lookup(ctx, sku); err != nil {
		return err
	}
	return tx.Commit().Error
}
