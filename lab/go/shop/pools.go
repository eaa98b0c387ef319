package shop

import (
	"database/sql"
	"fmt"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "github.com/lib/pq"              // driver "postgres"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// PoolName is the db_name label of the service's pool in /metrics.
const PoolName = "orders"

// OpenSQL opens the service's pool with a plain database/sql driver ("pgx" or "postgres") and exposes it.
func (s *Server) OpenSQL(driver string, connectionsMax int) (*sql.DB, error) {
	db, err := sql.Open(driver, s.DatabaseURL)
	if err != nil {
		return nil, err
	}
	sizePool(db, connectionsMax)
	s.Register(collectors.NewDBStatsCollector(db, PoolName))
	return db, Migrate(s.Ctx, db, "postgres")
}

// OpenGormPostgres opens the service's pool through gorm over the pgx stdlib driver and exposes it.
func (s *Server) OpenGormPostgres(connectionsMax int) (*gorm.DB, error) {
	db, err := s.openGorm(postgres.Open(s.DatabaseURL), "postgres", connectionsMax)
	if err != nil {
		return nil, err
	}
	return db, s.exposeGorm(db)
}

// OpenGormPostgresUnexposed is OpenGormPostgres for services that expose their pool in another way.
func (s *Server) OpenGormPostgresUnexposed(connectionsMax int) (*gorm.DB, error) {
	return s.openGorm(postgres.Open(s.DatabaseURL), "postgres", connectionsMax)
}

// OpenGormMySQL opens the service's pool through gorm over go-sql-driver/mysql and exposes it.
func (s *Server) OpenGormMySQL(connectionsMax int) (*gorm.DB, error) {
	db, err := s.openGorm(mysql.Open(s.DatabaseURL), "mysql", connectionsMax)
	if err != nil {
		return nil, err
	}
	return db, s.exposeGorm(db)
}

func (s *Server) openGorm(dialector gorm.Dialector, dialect string, connectionsMax int) (*gorm.DB, error) {
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dialect, err)
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	sizePool(pool, connectionsMax)
	return db, Migrate(s.Ctx, pool, dialect)
}

func (s *Server) exposeGorm(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	s.Register(collectors.NewDBStatsCollector(pool, PoolName))
	return nil
}

// sizePool keeps as many idle connections as may be open, so that load does not churn them.
func sizePool(db *sql.DB, connectionsMax int) {
	db.SetMaxOpenConns(connectionsMax)
	db.SetMaxIdleConns(connectionsMax)
	db.SetConnMaxLifetime(30 * time.Minute)
}
