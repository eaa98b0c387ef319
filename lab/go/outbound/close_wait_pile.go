package outbound

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"sync"

	"plumbline.dev/lab/shop"
)

// Couriers asks couriers over a protocol of lines, and remembers whom it asked.
type Couriers struct {
	address string
	mu      sync.Mutex
	asked   []net.Conn
}

// CloseWaitPile serves /courier, whose other side hangs up after its answer; this side never does.
func CloseWaitPile(s *shop.Server) error {
	carrier, err := startCarrier(s, "127.0.0.1")
	if err != nil {
		return err
	}
	couriers := &Couriers{address: carrier.Raw}
	s.Handle("/courier", func(w http.ResponseWriter, r *http.Request) error {
		return couriers.Ask("last")
	})
	return nil
}

// Ask sends one line and reads one.
func (c *Couriers) Ask(line string) error {
	conn, err := net.Dial("tcp", c.address) // LEAK
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.asked = append(c.asked, conn)
	c.mu.Unlock()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}
