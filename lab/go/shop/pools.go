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
	gormprometheus "gorm.io/plugin/prometheus"
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
	return db, Migrate(s.Ctx, db)
}

// OpenGormPostgres opens the service's pool through gorm over the pgx stdlib driver and exposes it.
func (s *Server) OpenGormPostgres(connectionsMax int) (*gorm.DB, error) {
	db, err := s.openGorm(postgres.Open(s.DatabaseURL), connectionsMax)
	if err != nil {
		return nil, err
	}
	return db, s.exposeGorm(db)
}

// OpenGormWithPlugin is OpenGormPostgres with the pool exposed by gorm's prometheus plugin instead, at
// its default interval: the counters appear after 15 s and are up to 15 s old.
func (s *Server) OpenGormWithPlugin(connectionsMax int) (*gorm.DB, error) {
	db, err := s.openGorm(postgres.Open(s.DatabaseURL), connectionsMax)
	if err != nil {
		return nil, err
	}
	return db, db.Use(gormprometheus.New(gormprometheus.Config{DBName: PoolName}))
}

// OpenGormBouncer is OpenGormPostgres for a database behind pgbouncer in transaction mode, which
// cannot keep prepared statements.
func (s *Server) OpenGormBouncer(connectionsMax int) (*gorm.DB, error) {
	dialector := postgres.New(postgres.Config{DSN: s.DatabaseURL, PreferSimpleProtocol: true})
	db, err := s.openGorm(dialector, connectionsMax)
	if err != nil {
		return nil, err
	}
	return db, s.exposeGorm(db)
}

// OpenGormMySQL opens the service's pool through gorm over go-sql-driver/mysql and exposes it.
func (s *Server) OpenGormMySQL(connectionsMax int) (*gorm.DB, error) {
	db, err := s.openGorm(mysql.Open(s.DatabaseURL), connectionsMax)
	if err != nil {
		return nil, err
	}
	return db, s.exposeGorm(db)
}

func (s *Server) openGorm(dialector gorm.Dialector, connectionsMax int) (*gorm.DB, error) {
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dialector.Name(), err)
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	sizePool(pool, connectionsMax)
	return db, Migrate(s.Ctx, pool)
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

// MigrateOnce makes the tables for services that have no pool of their own.
func (s *Server) MigrateOnce(driver string) error {
	db, err := sql.Open(driver, s.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	return Migrate(s.Ctx, db)
}
