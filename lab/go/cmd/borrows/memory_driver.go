package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// memoryDriver is a database that answers at once and without a network: what is measured is the pool.
type memoryDriver struct{}

func init() { sql.Register("memory", memoryDriver{}) }

func (memoryDriver) Open(string) (driver.Conn, error) { return &memoryConn{}, nil }

// memoryConn has a field so that every connection has an address of its own.
type memoryConn struct{ queries int }

var errNotPrepared = errors.New("memory: nothing is prepared here")

func (*memoryConn) Prepare(string) (driver.Stmt, error) { return nil, errNotPrepared }
func (*memoryConn) Close() error                        { return nil }
func (*memoryConn) Begin() (driver.Tx, error)           { return memoryTx{}, nil }

func (*memoryConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return memoryTx{}, nil
}

func (c *memoryConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	c.queries++
	return driver.RowsAffected(1), nil
}

func (c *memoryConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	c.queries++
	return &memoryRows{}, nil
}

type memoryTx struct{}

func (memoryTx) Commit() error   { return nil }
func (memoryTx) Rollback() error { return nil }

// memoryRows is a result of three rows.
type memoryRows struct{ read int64 }

func (*memoryRows) Columns() []string { return []string{"n"} }
func (*memoryRows) Close() error      { return nil }

func (r *memoryRows) Next(values []driver.Value) error {
	if r.read == 3 {
		return io.EOF
	}
	r.read++
	values[0] = r.read
	return nil
}
