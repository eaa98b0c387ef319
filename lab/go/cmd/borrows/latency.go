package main

import (
	"math/bits"
	"time"
)

// stepsPerDoubling makes a bucket 1/16 of a power of two wide: a percentile is right to about 6 %.
const (
	stepBits    = 4
	bucketCount = 64 << stepBits
)

// histogram counts times in buckets that grow with the time. It does not grow with the count.
type histogram struct {
	buckets [bucketCount]int
	count   int
	max     time.Duration
}

// latencies are in microseconds.
type latencies struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (h *histogram) add(took time.Duration) {
	h.buckets[bucketOf(took)]++
	h.count++
	if took > h.max {
		h.max = took
	}
}

func (h *histogram) merge(other *histogram) {
	for i, count := range other.buckets {
		h.buckets[i] += count
	}
	h.count += other.count
	if other.max > h.max {
		h.max = other.max
	}
}

func (h *histogram) latencies() latencies {
	return latencies{P50: h.quantile(0.5), P99: h.quantile(0.99), Max: float64(h.max) / 1e3}
}

func (h *histogram) quantile(share float64) float64 {
	wanted := int(share * float64(h.count))
	seen := 0
	for i, count := range h.buckets {
		seen += count
		if seen > wanted {
			return float64(lowerEnd(i)) / 1e3
		}
	}
	return float64(h.max) / 1e3
}

// bucketOf: below 16 ns a bucket a nanosecond, above it the position of the highest bit and the four after it.
func bucketOf(took time.Duration) int {
	n := uint64(took)
	if took < 0 {
		n = 0
	}
	if n < 1<<stepBits {
		return int(n)
	}
	shift := bits.Len64(n) - 1 - stepBits
	return (shift+1)<<stepBits + int(n>>uint(shift))&(1<<stepBits-1)
}

func lowerEnd(bucket int) uint64 {
	if bucket < 1<<stepBits {
		return uint64(bucket)
	}
	shift := bucket>>stepBits - 1
	return uint64(1<<stepBits+bucket&(1<<stepBits-1)) << uint(shift)
}
