package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type pgxPool struct{ pool *pgxpool.Pool }

func openPgxpool(dsn string, size int) (pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(size)
	// Its own check would borrow now and then too, and be counted by nobody here.
	config.HealthCheckPeriod = time.Hour
	opened, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	return &pgxPool{opened}, opened.Ping(context.Background())
}

func (p *pgxPool) Stats() poolStats {
	stats := p.pool.Stat()
	return poolStats{
		int(stats.TotalConns()), int(stats.AcquiredConns()), int(stats.IdleConns()), stats.EmptyAcquireCount(),
	}
}

func (p *pgxPool) Borrow(n int, work time.Duration) error {
	ctx := context.Background()
	switch n % 3 {
	case 0:
		return p.pool.QueryRow(ctx, `SELECT 1`).Scan(new(int64))
	case 1:
		return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
			pass(work)
			_, err := tx.Exec(ctx, `SELECT 1`)
			return err
		})
	default:
		conn, err := p.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		pass(work)
		return nil
	}
}

func (p *pgxPool) Leaks() []string { return []string{"pgx-acquire", "pgx-tx", "pgx-rows"} }

func (p *pgxPool) Leak(kind string) error {
	switch kind {
	case "pgx-acquire":
		return p.leakAcquired()
	case "pgx-tx":
		return p.leakTx()
	case "pgx-rows":
		return p.leakRows()
	default:
		return fmt.Errorf("no way to leak %q", kind)
	}
}

func (p *pgxPool) leakAcquired() error {
	_, err := p.pool.Acquire(context.Background()) // LEAK pgx-acquire
	return err
}

func (p *pgxPool) leakTx() error {
	_, err := p.pool.Begin(context.Background()) // LEAK pgx-tx
	return err
}

func (p *pgxPool) leakRows() error {
	rows, err := p.pool.Query(context.Background(), threeRows) // LEAK pgx-rows
	if err != nil {
		return err
	}
	rows.Next()
	return nil
}
