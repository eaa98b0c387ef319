package main

import (
	"context"
	"database/sql"
	"fmt"
)

// One function a way to forget a connection. The line that borrows ends in a marker with the way's name.

func (p *sqlPool) Leaks() []string {
	return []string{"sql-conn", "sql-tx", "sql-rows", "sql-row", "sql-inlined", "sql-generic", "sql-closure"}
}

func (p *sqlPool) Leak(kind string) error {
	switch kind {
	case "sql-conn":
		return p.leakConn()
	case "sql-tx":
		return p.leakTx()
	case "sql-rows":
		return p.leakRows()
	case "sql-row":
		return p.leakRow()
	case "sql-inlined":
		return p.leakInlined()
	case "sql-generic":
		return leakGeneric(p.db, "generic")
	case "sql-closure":
		return p.leakInClosure()
	default:
		return fmt.Errorf("no way to leak %q", kind)
	}
}

func (p *sqlPool) leakConn() error {
	conn, err := p.db.Conn(context.Background()) // LEAK sql-conn
	if err != nil {
		return err
	}
	return conn.PingContext(context.Background())
}

func (p *sqlPool) leakTx() error {
	tx, err := p.db.BeginTx(context.Background(), nil) // LEAK sql-tx
	if err != nil {
		return err
	}
	_, err = tx.Exec(`SELECT 1`)
	return err
}

func (p *sqlPool) leakRows() error {
	rows, err := p.db.Query(threeRows) // LEAK sql-rows
	if err != nil {
		return err
	}
	rows.Next()
	return nil
}

func (p *sqlPool) leakRow() error {
	p.db.QueryRow(threeRows) // LEAK sql-row
	return nil
}

// leakInlined calls what the compiler puts into it: the frame that borrows has no call of its own.
func (p *sqlPool) leakInlined() error {
	conn, err := p.take()
	if err != nil {
		return err
	}
	return conn.PingContext(context.Background())
}

func (p *sqlPool) take() (*sql.Conn, error) {
	return p.db.Conn(context.Background()) // LEAK sql-inlined
}

func leakGeneric[T any](db *sql.DB, _ T) error {
	conn, err := db.Conn(context.Background()) // LEAK sql-generic
	if err != nil {
		return err
	}
	return conn.PingContext(context.Background())
}

// leakInClosure borrows in a goroutine that ends: its stack is gone, and so is whoever started it.
func (p *sqlPool) leakInClosure() error {
	failed := make(chan error)
	go func() {
		_, err := p.db.Begin() // LEAK sql-closure
		failed <- err
	}()
	return <-failed
}
