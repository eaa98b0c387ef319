// Package routines holds services whose fault is a goroutine that never ends, or that only look so.
// Like package orders, one file each; none of them has a database.
package routines

import "plumbline.dev/lab/shop"

// Setups names what each scenario serves.
var Setups = map[string]func(*shop.Server) error{
	"goroutine-chan-send":       ChanSend,
	"goroutine-chan-receive":    ChanReceive,
	"goroutine-nil-chan":        NilChan,
	"goroutine-timer":           Timer,
	"goroutine-context":         Context,
	"goroutine-grpc-stream":     GrpcStream,
	"goroutine-mutex-deadlock":  MutexDeadlock,
	"goroutine-mutex-forgotten": MutexForgotten,
	"goroutine-waitgroup":       WaitGroup,
	"healthy-worker-pool":       HealthyWorkerPool,
	"healthy-grpc-streams":      HealthyGrpcStreams,
	"healthy-websockets":        HealthyWebsockets,
	"healthy-tickers":           HealthyTickers,
	"healthy-fanout":            HealthyFanout,
	"healthy-subscriptions":     HealthySubscriptions,
}
