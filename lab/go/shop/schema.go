package shop

import (
	"context"
	"database/sql"
	"fmt"
)

// The statements run on PostgreSQL and MariaDB alike.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS orders (
		id BIGINT PRIMARY KEY, sku VARCHAR(40) NOT NULL, status VARCHAR(20) NOT NULL, total_cents BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS stock (sku VARCHAR(40) PRIMARY KEY, available BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS audit (note VARCHAR(200) NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS catalog (id BIGINT PRIMARY KEY, sku VARCHAR(40) NOT NULL, description TEXT NOT NULL)`,
}

// CatalogRows times about a kilobyte: more than any socket buffer holds, so that a result which is
// not read to its end stops the server in the middle of sending it.
const CatalogRows = 40_000

const fillCatalogPostgres = `INSERT INTO catalog
	SELECT n, 'sku-' || n, repeat('a long description ', 52) FROM generate_series(1, %d) AS n
	ON CONFLICT DO NOTHING`

// OrdersCount and SkusCount size the seed.
const (
	OrdersCount = 500
	SkusCount   = 200
)

// Migrate makes the tables and seeds them; running it twice changes nothing.
func Migrate(ctx context.Context, db *sql.DB) error {
	for _, statement := range schema {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	var rows int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&rows); err != nil || rows > 0 {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for n := 1; n <= SkusCount; n++ {
		statement := fmt.Sprintf(`INSERT INTO stock VALUES ('sku-%d', 1000000)`, n)
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for n := 1; n <= OrdersCount; n++ {
		statement := fmt.Sprintf(`INSERT INTO orders VALUES (%d, 'sku-%d', 'new', %d)`, n, n%SkusCount+1, n*100)
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// FillCatalog adds the large table for the scenarios that need one.
func FillCatalog(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, fmt.Sprintf(fillCatalogPostgres, CatalogRows))
	return err
}
