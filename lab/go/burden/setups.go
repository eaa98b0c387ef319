// Package burden is services whose time goes into locks, garbage collection or plain work, and services that only
// look as if it did.
package burden

import (
	"net/http"

	"plumbline.dev/lab/shop"
)

// Setups names what each scenario of this package serves.
var Setups = map[string]func(*shop.Server) error{
	"lock-convoy":        LockConvoy,
	"lock-write-starved": LockWriteStarved,
	"gc-churn":           GCChurn,
	"gc-memory-limit":    GCMemoryLimit,
	"cpu-hash":           CPUHash,
	"healthy-busy-mutex": HealthyBusyMutex,
	"healthy-calm-heap":  HealthyCalmHeap,
}

func sku(r *http.Request) string { return r.URL.Query().Get("sku") }
