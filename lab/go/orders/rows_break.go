package orders

import (
	"database/sql"
	"net/http"

	"plumbline.dev/lab/shop"
)

// SearchService finds articles.
type SearchService struct{ db *sql.DB }

// RowsBreak serves /search/first on lib/pq: it leaves the loop at the first match and forgets the rest
// of a large result.
func RowsBreak(s *shop.Server) error {
	db, err := s.OpenSQL("postgres", 40)
	if err != nil {
		return err
	}
	if err := shop.FillCatalog(s.Ctx, db); err != nil {
		return err
	}
	service := &SearchService{db: db}
	s.Handle("/search/first", func(w http.ResponseWriter, r *http.Request) error {
		id, err := service.FindFirst(r.URL.Query().Get("from"), r.URL.Query().Get("to"), sku(r))
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int64{"id": id})
	})
	return nil
}

// FindFirst returns the first article of a range that matches, or 0.
func (s *SearchService) FindFirst(from, to, wanted string) (int64, error) {
	rows, err := s.db.Query(`SELECT id, sku, description FROM catalog WHERE id BETWEEN $1 AND $2 ORDER BY id`, from, to) // LEAK
	if err != nil {
		return 0, err
	}
	var id int64
	var name, description string
	for rows.Next() {
		if err := rows.Scan(&id, &name, &description); err != nil {
			return 0, err
		}
		if name == wanted {
			return id, nil
		}
	}
	return 0, rows.Close()
}
