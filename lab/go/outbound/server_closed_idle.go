package outbound

import (
	"context"
	"net/http"
	"strings"

	"plumbline.dev/lab/shop"
)

// idleConnections stay in the pool when all is quiet.
const idleConnections = 13

// ServerClosedIdle serves /warm, which fills its pool; nobody uses it then, and after two seconds the database
// hangs up on each idle session.
func ServerClosedIdle(s *shop.Server) error {
	s.DatabaseURL = withParameter(s.DatabaseURL, "options=-c%20idle_session_timeout%3D2000")
	db, err := s.OpenSQL("pgx", idleConnections)
	if err != nil {
		return err
	}
	s.Handle("/warm", func(w http.ResponseWriter, r *http.Request) error {
		return together(idleConnections, func(int) error {
			_, err := db.ExecContext(context.Background(), `SELECT pg_sleep(0.3)`)
			return err
		})
	})
	return nil
}

func withParameter(url, parameter string) string {
	if strings.Contains(url, "?") {
		return url + "&" + parameter
	}
	return url + "?" + parameter
}
