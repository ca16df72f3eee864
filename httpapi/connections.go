package httpapi

import (
	"net"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// connections bounds how many clients are connected at once: each takes memory
// for its headers before there is a request to be refused.
type connections struct {
	most    int64
	open    atomic.Int64
	refused prometheus.Counter
}

func newConnections(registry *prometheus.Registry, most int) (*connections, error) {
	c := &connections{most: int64(most), refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "fhirlog_http_connections_refused_total", Help: "Connections closed at once because there were too many.",
	})}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "fhirlog_http_connections", Help: "Connections of clients."},
		func() float64 { return float64(c.open.Load()) })
	if err := registry.Register(c.refused); err != nil {
		return nil, err
	}
	return c, registry.Register(open)
}

// watch is the http.Server's ConnState. To close a connection that is new makes
// the server give it up.
func (c *connections) watch(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if c.open.Add(1) > c.most {
			c.refused.Inc()
			_ = conn.Close()
		}
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	}
}
