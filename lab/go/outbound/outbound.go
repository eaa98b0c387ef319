// Package outbound has the services that dial others: HTTP clients, and connections of their own protocol. Each
// file is one fault or one innocent look-alike of it; the other side is a process of its own (carrier.go).
package outbound

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// Setups names what each scenario serves.
var Setups = map[string]func(*shop.Server) error{
	"outbound-carrier":             Carrier,
	"http-body-dump":               HTTPBodyDump,
	"http-body-undrained":          HTTPBodyUndrained,
	"pool-churn-idle":              PoolChurnIdle,
	"http-idle-per-host":           HTTPIdlePerHost,
	"time-wait-keepalive-off":      TimeWaitKeepaliveOff,
	"time-wait-client-per-request": TimeWaitClientPerRequest,
	"http-client-leak":             HTTPClientLeak,
	"close-wait-pile":              CloseWaitPile,
	"server-closed-idle":           ServerClosedIdle,
	"healthy-keepalive":            HealthyKeepalive,
	"healthy-longpoll":             HealthyLongpoll,
	"healthy-reload":               HealthyReload,
	"healthy-http2":                HealthyHTTP2,
}

// article is what the request asks about.
func article(r *http.Request) string {
	if name := r.URL.Query().Get("sku"); name != "" {
		return name
	}
	return "sku-1"
}
