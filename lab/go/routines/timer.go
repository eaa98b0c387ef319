package routines

import (
	"math/rand"
	"net/http"
	"strings"
	"time"

	"plumbline.dev/lab/shop"
)

// pollEvery is how often a parcel's state is asked for.
const pollEvery = 20 * time.Millisecond

// Timer serves /parcels/watch: a parcel is asked for until it has arrived. Lost ones never do, and nobody stops the
// ticker.
func Timer(s *shop.Server) error {
	s.Handle("/parcels/watch", func(w http.ResponseWriter, r *http.Request) error {
		go watchParcel(r.URL.Query().Get("parcel"))
		return nil
	})
	return nil
}

func watchParcel(parcel string) {
	// So that they do not all ask at once.
	time.Sleep(time.Duration(rand.Int63n(int64(pollEvery))))
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for range ticker.C { // LEAK
		if arrived(parcel) {
			return
		}
	}
}

func arrived(parcel string) bool {
	time.Sleep(time.Millisecond)
	return !strings.HasPrefix(parcel, "lost-")
}
