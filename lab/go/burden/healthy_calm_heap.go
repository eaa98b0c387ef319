package burden

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// HealthyCalmHeap serves /report from a heap that is big and lives long: the collector has little to do.
func HealthyCalmHeap(s *shop.Server) error {
	live := sessions(1_000_000)
	s.Handle("/report", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]string{"newest": live.user})
	})
	return nil
}
