package outbound

import (
	"io"
	"net/http"

	"plumbline.dev/lab/shop"
)

// TimeWaitKeepaliveOff serves /quote over a transport with DisableKeepAlives. It asks first, at /burst, for as
// many quotes as it has had in the last minute.
func TimeWaitKeepaliveOff(s *shop.Server) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return serveQuotes(s, func(url string) error { return quote(client, url) })
}

// burst is what a minute of steady quotes leaves in TIME_WAIT: two fifths of the ports that Linux gives out by itself,
// less those where on a busy machine the other side was the first to close.
const burst = 12_000

// burstCallers ask at one time.
const burstCallers = 100

func serveQuotes(s *shop.Server, ask func(url string) error) error {
	ip, err := elsewhere()
	if err != nil {
		return err
	}
	carrier, err := startCarrier(s, ip)
	if err != nil {
		return err
	}
	tellCarrier(s, carrier.Plain)
	url := "http://" + carrier.Plain + "/slow-end/"
	s.Handle("/burst", func(w http.ResponseWriter, r *http.Request) error {
		return together(burstCallers, func(int) error {
			for n := 0; n < burst/burstCallers; n++ {
				if err := ask(url + article(r)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	s.Handle("/quote", func(w http.ResponseWriter, r *http.Request) error {
		return ask(url + article(r))
	})
	return nil
}

// quote reads all of the answer.
func quote(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
