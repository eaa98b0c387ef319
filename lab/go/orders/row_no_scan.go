package orders

import (
	"database/sql"
	"net/http"

	"plumbline.dev/lab/shop"
)

// StockService keeps the piece counts.
type StockService struct{ db *sql.DB }

// RowNoScan serves /stock/touch on lib/pq, which asks for a row and does not look at it.
func RowNoScan(s *shop.Server) error {
	db, err := s.OpenSQL("postgres", 40)
	if err != nil {
		return err
	}
	service := &StockService{db: db}
	s.Handle("/stock/touch", func(w http.ResponseWriter, r *http.Request) error {
		return service.Touch(sku(r), r.URL.Query().Get("quiet") == "yes")
	})
	return nil
}

// Touch bumps an article; a quiet one does not care for the new count.
func (s *StockService) Touch(sku string, quiet bool) error {
	row := s.db.QueryRow(`UPDATE stock SET available = available + 1 WHERE sku = $1 RETURNING available, pg_sleep(0.005)`, sku) // LEAK
	if quiet {
		return nil
	}
	var available int64
	var slept string
	return row.Scan(&available, &slept)
}
