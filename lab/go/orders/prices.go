// Package orders is the business of the shop. Every file is one scenario: a service type with a fault
// in it, or a healthy one. The line that borrows what is never returned carries the marker LEAK, and
// the expected answers take file and line from that marker.
package orders

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"

	"plumbline.dev/lab/shop"
)

// PriceClient asks the pricing service what something costs. It stands in for a remote call: the
// answer takes 5 to 20 ms and does not depend on anything.
type PriceClient struct{}

// ErrUnknownSku is the pricing service's answer for what it no longer sells.
var ErrUnknownSku = fmt.Errorf("pricing: unknown sku: %w", shop.ErrRefused)

// Lookup returns the price in cents. Anything named discontinued-* has none.
func (PriceClient) Lookup(ctx context.Context, sku string) (int64, error) {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(sku))
	delay := time.Duration(5+sum.Sum32()%16) * time.Millisecond
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if strings.HasPrefix(sku, "discontinued-") {
		return 0, ErrUnknownSku
	}
	return int64(100 + sum.Sum32()%900), nil
}

// sku reads the article a request is about.
func sku(r *http.Request) string {
	if name := r.URL.Query().Get("sku"); name != "" {
		return name
	}
	return "sku-1"
}

// refundNote is the audit line of money given back or paid on.
func refundNote(sku string, cents int64) string {
	return fmt.Sprintf("%s: %d", sku, cents)
}
