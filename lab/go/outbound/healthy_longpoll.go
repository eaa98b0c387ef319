package outbound

import (
	"bufio"
	"io"
	"net/http"

	"plumbline.dev/lab/shop"
)

// Tracker follows parcels, each over a response that never ends.
type Tracker struct {
	client  *http.Client
	carrier string
	// stops is where followers say what they read; nobody hurries to take it.
	stops chan string
}

// HealthyLongpoll serves /follow, which begins to follow a parcel in the background: every second a line comes
// (loud), or none after the first (quiet), or what comes is handed to somebody who is in no hurry (patient).
func HealthyLongpoll(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	tracker := &Tracker{client: shop.HTTPClient(), carrier: "http://" + carrier.Plain, stops: make(chan string)}
	board := &PriceBoard{client: tracker.client, carrier: tracker.carrier}
	s.Handle("/follow", func(w http.ResponseWriter, r *http.Request) error {
		how := r.URL.Query().Get("how")
		response, err := tracker.client.Get(tracker.carrier + "/track/" + article(r) + "-" + how)
		if err != nil {
			return err
		}
		go tracker.follow(response.Body, how == "patient")
		return nil
	})
	s.Handle("/rate", func(w http.ResponseWriter, r *http.Request) error {
		return board.Rate(article(r))
	})
	return nil
}

func (t *Tracker) follow(body io.ReadCloser, tell bool) {
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		if tell {
			t.stops <- lines.Text()
		}
	}
}
