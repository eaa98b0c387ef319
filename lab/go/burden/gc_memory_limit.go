package burden

import (
	"net/http"
	"runtime"
	"runtime/debug"

	"plumbline.dev/lab/shop"
)

// memoryRoomBytes lies between what lives and the limit: a collector that has no more never rests.
const memoryRoomBytes = 3 << 20

// GCMemoryLimit serves /report with nearly all the memory it may have already in use.
func GCMemoryLimit(s *shop.Server) error {
	reports := &Reports{live: sessions(400_000)}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	debug.SetMemoryLimit(int64(stats.Sys-stats.HeapReleased-stats.HeapIdle+stats.HeapReleased) + memoryRoomBytes)
	s.Handle("/report", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]int{"bytes": reports.Render(sku(r))})
	})
	return nil
}
