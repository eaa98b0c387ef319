package burden

import "fmt"

// Session is one of many small objects that point at each other: the collector visits each in every cycle.
type Session struct {
	user  string
	carts []*string
	next  *Session
}

// sessions makes a chain of n live sessions, some 200 bytes each.
func sessions(n int) *Session {
	var first *Session
	for i := 0; i < n; i++ {
		cart := fmt.Sprintf("cart-%d", i)
		first = &Session{user: fmt.Sprintf("user-%d", i), carts: []*string{&cart}, next: first} // LEAK
	}
	return first
}
