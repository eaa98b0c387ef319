package orders

import (
	"context"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"plumbline.dev/lab/shop"
)

// LedgerService appends bookings over the native pgx pool.
type LedgerService struct {
	pool   *pgxpool.Pool
	prices PriceClient
}

// PgxpoolAcquire serves /ledger/append, which keeps its connection when pricing fails.
func PgxpoolAcquire(s *shop.Server) error {
	pool, err := s.OpenPgxpool(40)
	if err != nil {
		return err
	}
	service := &LedgerService{pool: pool}
	s.Handle("/ledger/append", func(w http.ResponseWriter, r *http.Request) error {
		return service.Append(r.Context(), sku(r))
	})
	return nil
}

// Append books one article.
func (s *LedgerService) Append(ctx context.Context, sku string) error {
	conn, err := s.pool.Acquire(ctx) // LEAK
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `INSERT INTO audit (note) VALUES ($1)`, "ledger "+sku); err != nil {
		conn.Release()
		return err
	}
	if _, err := s.prices.Lookup(ctx, sku); err != nil {
		return err
	}
	conn.Release()
	return nil
}
