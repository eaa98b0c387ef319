package orders

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// CheckoutService reserves a basket and then streams its progress to the browser.
type CheckoutService struct {
	db     *gorm.DB
	prices PriceClient
}

// TxErrorRequest serves /checkout/track. The transaction hangs off the request's context, so it heals
// when the stream ends, which is minutes later.
func TxErrorRequest(s *shop.Server) error {
	db, err := s.OpenGormPostgres(40)
	if err != nil {
		return err
	}
	service := &CheckoutService{db: db}
	s.Handle("/checkout/track", service.Track)
	s.Handle("/checkout/reserve", func(w http.ResponseWriter, r *http.Request) error {
		return service.reserveStock(r.Context(), sku(r))
	})
	return nil
}

// Track reserves, then sends events until the browser goes away. A failed reservation is told in the
// stream; the stream stays open for the customer to choose something else.
func (s *CheckoutService) Track(w http.ResponseWriter, r *http.Request) error {
	flusher, ok := w.(http.Flusher)
	if !ok {
		return fmt.Errorf("no streaming here")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if err := s.reserveStock(r.Context(), sku(r)); err != nil {
		fmt.Fprintf(w, "event: failed\ndata: %q\n\n", err.Error())
	} else {
		fmt.Fprint(w, "event: reserved\ndata: {}\n\n")
	}
	flusher.Flush()
	beat := time.NewTicker(5 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			fmt.Fprint(w, ": still here\n\n")
			flusher.Flush()
		}
	}
}

func (s *CheckoutService) reserveStock(ctx context.Context, sku string) error {
	tx := s.db.WithContext(ctx).Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	if err := tx.Exec(`INSERT INTO audit (note) VALUES (?)`, "checkout "+sku).Error; err != nil {
		tx.Rollback()
		return err
	}
	if _, err := s.prices.Lookup(ctx, sku); err != nil {
		return err
	}
	return tx.Commit().Error
}
