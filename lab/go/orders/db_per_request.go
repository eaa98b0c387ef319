package orders

import (
	"context"
	"database/sql"
	"net/http"

	"plumbline.dev/lab/shop"
)

// TenantService looks tenants up in their own databases.
type TenantService struct{ databaseURL string }

// DbPerRequest serves /tenants/lookup, which opens a pool for one query and closes it again.
func DbPerRequest(s *shop.Server) error {
	if err := s.MigrateOnce("postgres"); err != nil {
		return err
	}
	service := &TenantService{databaseURL: s.DatabaseURL}
	s.Handle("/tenants/lookup", func(w http.ResponseWriter, r *http.Request) error {
		orders, err := service.Lookup(r.Context())
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int64{"orders": orders})
	})
	return nil
}

// Lookup counts a tenant's orders.
func (s *TenantService) Lookup(ctx context.Context) (int64, error) {
	db, err := sql.Open("postgres", s.databaseURL) // LEAK
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var orders int64
	var slept string
	err = db.QueryRowContext(ctx, `SELECT count(*), pg_sleep(1) FROM orders`).Scan(&orders, &slept)
	return orders, err
}
