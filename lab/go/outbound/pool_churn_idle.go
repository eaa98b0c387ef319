package outbound

import (
	"context"
	"database/sql"
	"net/http"
	"sync"

	"plumbline.dev/lab/shop"
)

// PoolChurnIdle serves /report, which asks the database for twenty numbers at once, from a pool that keeps two
// idle connections, as database/sql does by itself.
func PoolChurnIdle(s *shop.Server) error {
	db, err := s.OpenSQL("pgx", 40)
	if err != nil {
		return err
	}
	db.SetMaxIdleConns(2)
	s.Handle("/report", func(w http.ResponseWriter, r *http.Request) error {
		return together(20, func(n int) error { return countOrders(r.Context(), db, n) })
	})
	return nil
}

func countOrders(ctx context.Context, db *sql.DB, n int) error {
	var orders int
	return db.QueryRowContext(ctx, `SELECT count(*) FROM orders, pg_sleep(0.02) WHERE id % 20 = $1`, n).Scan(&orders)
}

// together runs as many at once, and returns one of their errors.
func together(count int, run func(n int) error) error {
	errs := make(chan error, count)
	var group sync.WaitGroup
	for n := 0; n < count; n++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			errs <- run(n)
		}(n)
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
