// Command labsvc is the lab's order service: one binary, one fault (or none) by name.
//
//	labsvc -scenario tx-error-background -db postgres://... -listen 127.0.0.1:0
//
// When it serves, it prints one line of JSON with its addresses. It ends on SIGINT or SIGTERM.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sort"
	"strings"
	"syscall"

	"plumbline.dev/lab/burden"
	"plumbline.dev/lab/names"
	"plumbline.dev/lab/orders"
	"plumbline.dev/lab/outbound"
	"plumbline.dev/lab/routines"
	"plumbline.dev/lab/shop"
)

// setups names what each scenario serves.
var setups = map[string]func(*shop.Server) error{
	"tx-error-background": orders.TxErrorBackground,
	"tx-error-mysql":      orders.TxErrorMySQL,
	"tx-error-request":    orders.TxErrorRequest,
	"tx-rare-path":        orders.TxRarePath,
	"tx-panic":            orders.TxPanic,
	"rows-unclosed-gorm":  orders.RowsUnclosedGorm,
	"rows-break":          orders.RowsBreak,
	"row-no-scan":         orders.RowNoScan,
	"conn-unclosed":       orders.ConnUnclosed,
	"pgxpool-acquire":     orders.PgxpoolAcquire,
	"ctx-timeout-outside": orders.CtxTimeoutOutside,
	"pool-slow-queries":   orders.PoolSlowQueries,
	"pool-deadlock":       orders.PoolDeadlock,
	"lock-for-update":     orders.LockForUpdate,
	"lock-own-tx":         orders.LockOwnTx,
	"db-per-request":      orders.DbPerRequest,
	"gorm-per-request":    orders.GormPerRequest,
	"tx-begin-wait":       orders.TxBeginWait,
	"rare-leak":           orders.RareLeak,
	"http-body-leak":      orders.HTTPBodyLeak,
	"healthy-busy":        orders.HealthyBusy,
	"healthy-report":      orders.HealthyReport,
	"healthy-idle":        orders.HealthyIdle,
	"healthy-http":        orders.HealthyHTTP,
}

// The other packages name their own.
func init() {
	for _, more := range []map[string]func(*shop.Server) error{
		burden.Setups,
		names.Setups,
		outbound.Setups,
		routines.Setups,
	} {
		for name, setup := range more {
			setups[name] = setup
		}
	}
}

func main() {
	scenario := flag.String("scenario", "", "which service to be: "+strings.Join(allNames(), ", "))
	database := flag.String("db", "", "database URL (a DSN for MySQL)")
	listen := flag.String("listen", "127.0.0.1:0", "address to serve on")
	flag.Parse()

	setup, known := setups[*scenario]
	if !known || *database == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	server := shop.New(ctx, *scenario, *database)
	if err := setup(server); err != nil {
		fmt.Fprintln(os.Stderr, "labsvc: setup:", err)
		os.Exit(1)
	}
	if err := server.Serve(*listen); err != nil {
		fmt.Fprintln(os.Stderr, "labsvc:", err)
		os.Exit(1)
	}
}

func allNames() []string {
	all := make([]string, 0, len(setups))
	for name := range setups {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
