package httpapi

import (
	"log"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// metrics counts requests. Labels are routes, methods and classes of status,
// never anything of a path or query.
type metrics struct {
	inFlight prometheus.Gauge
	received prometheus.Counter
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	names    []string // of the places, by number; the last is for unknown paths
	// The children of the vectors, looked up once: by place, method, class.
	counters  [][methodCount][5]atomic.Pointer[prometheus.Counter]
	durations [][methodCount]atomic.Pointer[prometheus.Observer]
}

const methodCount = 8

// methodNumber numbers the methods for the children.
func methodNumber(method string) int {
	switch method {
	case http.MethodGet:
		return 0
	case http.MethodHead:
		return 1
	case http.MethodPost:
		return 2
	case http.MethodPut:
		return 3
	case http.MethodPatch:
		return 4
	case http.MethodDelete:
		return 5
	case http.MethodOptions:
		return 6
	}
	return 7
}

func newMetrics(registry *prometheus.Registry, rs *routes, bodies *budget) (*metrics, error) {
	m := &metrics{
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fhirlog_http_requests_in_flight", Help: "Requests being answered."}),
		received: prometheus.NewCounter(prometheus.CounterOpts{Name: "fhirlog_http_received_bytes_total", Help: "Bytes of request bodies, decompressed."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "fhirlog_http_requests_total", Help: "Requests answered."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fhirlog_http_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"route", "method"}),
		counters:  make([][methodCount][5]atomic.Pointer[prometheus.Counter], len(rs.places)+1),
		durations: make([][methodCount]atomic.Pointer[prometheus.Observer], len(rs.places)+1),
	}
	for i := range rs.places {
		m.names = append(m.names, rs.places[i].name())
	}
	m.names = append(m.names, "unknown")
	memory := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "fhirlog_http_body_bytes", Help: "Memory set aside for request bodies being read or worked on."},
		func() float64 { return float64(bodies.used.Load()) })
	for _, c := range []prometheus.Collector{m.inFlight, m.received, m.requests, m.duration, memory} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// name is the place in logs and metrics.
func (p *place) name() string {
	if p.template == "" {
		return "/"
	}
	if p.root && p.template == "/" {
		return "root"
	}
	return p.template
}

func (m *metrics) count(place int, method string, status int, elapsed time.Duration) {
	number, class := methodNumber(method), min(max(status/100, 1), 5)-1
	counter := m.counters[place][number][class].Load()
	if counter == nil {
		c := m.requests.WithLabelValues(m.names[place], knownMethod(method), string('1'+rune(class))+"xx")
		counter = &c
		m.counters[place][number][class].Store(counter)
	}
	(*counter).Inc()
	duration := m.durations[place][number].Load()
	if duration == nil {
		d := m.duration.WithLabelValues(m.names[place], knownMethod(method))
		duration = &d
		m.durations[place][number].Store(duration)
	}
	(*duration).Observe(elapsed.Seconds())
}

// observe counts and logs a finished request. Nothing of path, query or body
// goes into the log, nor the reason, which is free text.
func (s *Server) observe(x *exchange, received int) {
	elapsed := time.Since(x.started)
	number := len(s.routes.places)
	if x.request.place != nil {
		number = x.request.place.number
	}
	s.metrics.count(number, x.h.Method, x.status, elapsed)
	if received > 0 {
		s.metrics.received.Add(float64(received))
	}
	if line := s.log.Debug(); line.Enabled() {
		if x.request.rules != nil {
			line.Str("resource_type", string(x.request.rules.name))
		}
		if author := x.request.client.author; author != "" {
			line.Str("author", author)
		}
		line.Str("method", knownMethod(x.h.Method)).Str("route", s.metrics.names[number]).Int("status", x.status).
			Dur("elapsed", elapsed).Str("request_id", x.request.requestID).Msg("request answered")
	}
}

// connectionLog passes on what net/http has to say about connections.
func connectionLog(to zerolog.Logger) *log.Logger {
	return log.New(connectionWriter{to}, "", 0)
}

type connectionWriter struct{ to zerolog.Logger }

func (w connectionWriter) Write(p []byte) (int, error) {
	w.to.Warn().Bytes("detail", p).Msg("connection failed")
	return len(p), nil
}
