package orders

import (
	"net/http"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"plumbline.dev/lab/shop"
)

// ProfileService loads customers' profiles.
type ProfileService struct{ databaseURL string }

// GormPerRequest serves /profiles/load, which makes a gorm.DB for every request and drops it. The pool
// under it stays, with its connection and its goroutine.
func GormPerRequest(s *shop.Server) error {
	if err := s.MigrateOnce("pgx"); err != nil {
		return err
	}
	service := &ProfileService{databaseURL: s.DatabaseURL}
	s.Handle("/profiles/load", func(w http.ResponseWriter, r *http.Request) error {
		status, err := service.Load(r.URL.Query().Get("id"))
		if err != nil {
			return err
		}
		return shop.WriteJSON(w, map[string]string{"status": status})
	})
	return nil
}

// Load reads one profile. The orders table plays the profiles.
func (s *ProfileService) Load(id string) (string, error) {
	db, err := gorm.Open(postgres.Open(s.databaseURL), &gorm.Config{Logger: logger.Discard}) // LEAK
	if err != nil {
		return "", err
	}
	var status, slept string
	err = db.Raw(`SELECT status, pg_sleep(0.9) FROM orders WHERE id = ?`, id).Row().Scan(&status, &slept)
	return status, err
}
