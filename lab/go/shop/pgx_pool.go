package shop

import (
	"github.com/IBM/pgxpoolprometheus"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// OpenPgxpool opens the service's native pgx pool and exposes it.
func (s *Server) OpenPgxpool(connectionsMax int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(s.DatabaseURL)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connectionsMax
	pool, err := pgxpool.NewWithConfig(s.Ctx, config)
	if err != nil {
		return nil, err
	}
	s.Register(pgxpoolprometheus.NewCollector(pool, map[string]string{"db_name": PoolName}))
	migration := stdlib.OpenDBFromPool(pool)
	defer migration.Close()
	return pool, Migrate(s.Ctx, migration)
}
