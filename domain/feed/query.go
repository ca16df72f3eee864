package feed

import "time"

// Query asks for the events of a log from a position on.
type Query struct {
	From uint64
	// Until is the position to end before. If it follows, there is no end.
	Until  uint64
	Follow bool
	Filter Filter
	Bodies bool // with the contents that can still be read
	// Heartbeat is how often Listener.Reached is called while nothing comes; by
	// default every 10 seconds.
	Heartbeat time.Duration
}
