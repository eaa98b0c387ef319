package orders

import (
	"context"
	"database/sql"
	"net/http"

	"plumbline.dev/lab/shop"
)

// ReportService computes monthly figures on the same small pool that serves customers.
type ReportService struct{ db *sql.DB }

// PoolSlowQueries serves /reports/monthly, whose query takes minutes, and /orders/first beside it, on a
// pool of five. Nothing leaks: five reports take all there is.
func PoolSlowQueries(s *shop.Server) error {
	db, err := s.OpenSQL("pgx", 5)
	if err != nil {
		return err
	}
	service := &ReportService{db: db}
	s.Handle("/reports/monthly", func(w http.ResponseWriter, r *http.Request) error {
		total, err := service.Monthly(r.Context())
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int64{"totalCents": total})
	})
	s.Handle("/orders/first", func(w http.ResponseWriter, r *http.Request) error {
		id, err := service.FirstOrder(r.Context())
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int64{"id": id})
	})
	return nil
}

// Monthly adds up the month. The sleep stands for the size of a real table.
func (s *ReportService) Monthly(ctx context.Context) (int64, error) {
	var total int64
	var slept string
	err := s.db.QueryRowContext(ctx, `SELECT sum(total_cents), pg_sleep(240) FROM orders`).Scan(&total, &slept) // LEAK
	return total, err
}

// FirstOrder returns the oldest new order.
func (s *ReportService) FirstOrder(ctx context.Context) (int64, error) {
	var id int64
	err := s.db.QueryRowContext(ctx, `SELECT min(id) FROM orders WHERE status = 'new'`).Scan(&id)
	return id, err
}
