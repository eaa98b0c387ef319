package outbound

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// TimeWaitClientPerRequest serves /quote with a client and a transport made for each request, and tidied up
// after it.
func TimeWaitClientPerRequest(s *shop.Server) error {
	return serveQuotes(s, func(url string) error {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		return quote(client, url)
	})
}
