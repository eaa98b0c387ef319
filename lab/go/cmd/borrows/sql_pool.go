package main

import (
	"context"
	"database/sql"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "github.com/lib/pq"              // driver "postgres"
)

// threeRows gives three on PostgreSQL; the memory driver reads no statement.
const threeRows = `SELECT n FROM generate_series(1, 3) AS n`

type sqlPool struct{ db *sql.DB }

func openSQL(driverName, dsn string, size int) (pool, error) {
	db, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return &sqlPool{db}, db.Ping()
}

func (p *sqlPool) Stats() poolStats {
	stats := p.db.Stats()
	return poolStats{stats.OpenConnections, stats.InUse, stats.Idle, stats.WaitCount}
}

// Borrow takes exactly one connection from the pool, in one of six ways. Where the call itself gives it
// back (a row, a statement), there is no time to work in.
func (p *sqlPool) Borrow(n int, work time.Duration) error {
	switch n % 6 {
	case 0:
		return p.row()
	case 1:
		return p.exec()
	case 2:
		return p.committed(work)
	case 3:
		return p.rolledBack(work)
	case 4:
		return p.rows(work)
	default:
		return p.conn(work)
	}
}

func (p *sqlPool) row() error {
	var n int64
	return p.db.QueryRow(`SELECT 1`).Scan(&n)
}

func (p *sqlPool) exec() error {
	_, err := p.db.Exec(`SELECT 1`)
	return err
}

func (p *sqlPool) committed(work time.Duration) error {
	tx, err := p.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.Exec(`SELECT 1`); err != nil {
		return err
	}
	pass(work)
	return tx.Commit()
}

func (p *sqlPool) rolledBack(work time.Duration) error {
	tx, err := p.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	pass(work)
	return tx.Rollback()
}

func (p *sqlPool) rows(work time.Duration) error {
	rows, err := p.db.Query(threeRows)
	if err != nil {
		return err
	}
	defer rows.Close()
	pass(work)
	var n int64
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (p *sqlPool) conn(work time.Duration) error {
	conn, err := p.db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	pass(work)
	return conn.PingContext(context.Background())
}

func pass(work time.Duration) {
	if work > 0 {
		time.Sleep(work)
	}
}
