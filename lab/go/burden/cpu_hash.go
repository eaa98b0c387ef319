package burden

import (
	"crypto/sha256"
	"net/http"

	"plumbline.dev/lab/shop"
)

// CPUHash serves /login, which stretches a password far too long. Nothing leaks: the processor is simply at work.
func CPUHash(s *shop.Server) error {
	s.Handle("/login", func(w http.ResponseWriter, r *http.Request) error {
		sum := stretch(sku(r))
		return shop.WriteJSON(w, map[string]byte{"first": sum[0]})
	})
	return nil
}

func stretch(password string) [32]byte {
	sum := sha256.Sum256([]byte(password))
	for round := 0; round < 400_000; round++ {
		sum = sha256.Sum256(sum[:]) // LEAK
	}
	return sum
}
