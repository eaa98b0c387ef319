package routines

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"plumbline.dev/lab/shop"
)

// pingEvery is how often a client is asked whether it is there.
const pingEvery = 20 * time.Second

// session is one client: seven goroutines, of which one reads from its connection. When that ends all do.
type session struct {
	conn    *websocket.Conn
	ctx     context.Context
	cancel  context.CancelFunc
	out     chan []byte
	orders  chan []byte
	changes chan []byte
	audit   chan []byte
}

// HealthyWebsockets serves /ws/orders.
func HealthyWebsockets(s *shop.Server) error {
	var live atomic.Int64
	upgrader := websocket.Upgrader{}
	s.Handle("/ws/orders", func(w http.ResponseWriter, r *http.Request) error {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(s.Ctx)
		c := &session{
			conn: conn, ctx: ctx, cancel: cancel,
			out: make(chan []byte), orders: make(chan []byte), changes: make(chan []byte), audit: make(chan []byte),
		}
		live.Add(1)
		go c.read(&live)
		go c.write()
		go c.ping()
		go c.relay(c.orders)
		go c.relay(c.changes)
		go c.record()
		go c.hangUp()
		return nil
	})
	s.Handle("/ws/count", func(w http.ResponseWriter, r *http.Request) error {
		return shop.WriteJSON(w, map[string]int64{"clients": live.Load()})
	})
	return nil
}

func (c *session) read(live *atomic.Int64) {
	defer live.Add(-1)
	defer c.cancel()
	defer close(c.audit)
	for {
		_, message, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		c.audit <- message
	}
}

func (c *session) write() {
	for {
		select {
		case message := <-c.out:
			if c.conn.WriteMessage(websocket.TextMessage, message) != nil {
				return
			}
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *session) ping() {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.out <- []byte("ping")
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *session) relay(from <-chan []byte) {
	for {
		select {
		case message := <-from:
			c.out <- message
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *session) record() {
	for message := range c.audit {
		shop.Logf("a client says %d bytes", len(message))
	}
}

func (c *session) hangUp() {
	<-c.ctx.Done()
	_ = c.conn.Close()
}
