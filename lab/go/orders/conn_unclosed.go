package orders

import (
	"context"
	"database/sql"
	"net/http"

	"plumbline.dev/lab/shop"
)

// ShiftService hands out work by advisory locks, which need one connection for lock and unlock.
type ShiftService struct {
	db     *sql.DB
	prices PriceClient
}

// ConnUnclosed serves /shifts/claim over pgx stdlib, which keeps its sql.Conn when the lock is taken.
func ConnUnclosed(s *shop.Server) error {
	db, err := s.OpenSQL("pgx", 50)
	if err != nil {
		return err
	}
	service := &ShiftService{db: db}
	s.Handle("/shifts/claim", func(w http.ResponseWriter, r *http.Request) error {
		claimed, err := service.Claim(context.Background(), sku(r), r.URL.Query().Get("worker"))
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]bool{"claimed": claimed})
	})
	return nil
}

// Claim runs a piece of work under its advisory lock. Work of a worker that is off duty is declined.
func (s *ShiftService) Claim(ctx context.Context, work, worker string) (bool, error) {
	conn, err := s.db.Conn(ctx) // LEAK
	if err != nil {
		return false, err
	}
	if worker == "off-duty" {
		return false, conn.PingContext(ctx)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock_shared(hashtext($1))`, work); err != nil {
		return false, err
	}
	_, err = s.prices.Lookup(ctx, work)
	if _, unlockErr := conn.ExecContext(ctx, `SELECT pg_advisory_unlock_shared(hashtext($1))`, work); err == nil {
		err = unlockErr
	}
	return err == nil, err
}
