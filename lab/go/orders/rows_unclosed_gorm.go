package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// ExportService writes orders out for the warehouse.
type ExportService struct {
	db *gorm.DB
	// ctx is the service's own: it ends when the service does.
	ctx context.Context
}

// RowsUnclosedGorm serves /orders/export, which peeks at a cursor and never closes it when there is
// nothing worth exporting. Its pool is exposed by gorm's own prometheus plugin.
func RowsUnclosedGorm(s *shop.Server) error {
	db, err := s.OpenGormWithPlugin(40)
	if err != nil {
		return err
	}
	service := &ExportService{db: db, ctx: s.Ctx}
	s.Handle("/orders/export", func(w http.ResponseWriter, r *http.Request) error {
		count, err := service.Export(r.URL.Query().Get("status"))
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]int{"exported": count})
	})
	return nil
}

// Export reads all orders of a status. Orders on hold are not exported at all.
func (s *ExportService) Export(status string) (int, error) {
	rows, err := s.db.WithContext(s.ctx).Raw(`SELECT id, status, pg_sleep(0.0001) FROM orders WHERE id <= 100`).Rows() // LEAK
	if err != nil {
		return 0, err
	}
	if status == "on-hold" {
		return 0, nil
	}
	exported := 0
	for rows.Next() {
		exported++
	}
	return exported, rows.Close()
}
