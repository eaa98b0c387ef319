package orders

import (
	"context"
	"net/http"

	"gorm.io/gorm"

	"plumbline.dev/lab/shop"
)

// WalletService debits customers' accounts.
type WalletService struct {
	db     *gorm.DB
	prices PriceClient
}

// LockOwnTx serves /wallets/debit, which locks an account and forgets its transaction when pricing
// fails: everybody else who wants that account waits behind it.
func LockOwnTx(s *shop.Server) error {
	db, err := s.OpenGormPostgres(40)
	if err != nil {
		return err
	}
	service := &WalletService{db: db}
	s.Handle("/wallets/debit", func(w http.ResponseWriter, r *http.Request) error {
		return service.Debit(r.URL.Query().Get("account"), sku(r))
	})
	return nil
}

// Debit takes the price of an article from an account. The stock table plays the accounts.
func (s *WalletService) Debit(account, sku string) error {
	tx := s.db.Begin() // LEAK
	if tx.Error != nil {
		return tx.Error
	}
	var balance int64
	if err := tx.Raw(`SELECT available FROM stock WHERE sku = ? FOR UPDATE`, account).Scan(&balance).Error; err != nil {
		tx.Rollback()
		return err
	}
	price, err := s.prices.Lookup(context.TODO(), sku)
	if err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE stock SET available = ? WHERE sku = ?`, balance-price, account).Error; err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit().Error
}
