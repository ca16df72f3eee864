package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/domain/validate"
)

// Writer makes changes. Commit checks the commands, their content included, and
// carries out all or none; when it returns without an error they are durable and
// every later read sees them. The commands' resources are not used any more
// after it has returned, which it does soon after its context ends. Failures a
// client may be told are *domain.Error; with more than one command those that
// belong to a command are wrapped in *commit.CommandError. It is called
// concurrently.
type Writer interface {
	Commit(ctx context.Context, caller commit.Caller, commands []commit.Command) ([]commit.Outcome, error)
}

// Reader answers from the applied state. It is called concurrently.
type Reader interface {
	// Applied is the number of records that reads may see: the snapshot of a
	// history that begins now.
	Applied() uint64
	// Read returns the current version. It fails with Kind NotFound for what
	// never was or is erased, and with Deleted, Version set, for what is deleted.
	Read(ctx context.Context, t domain.ResourceType, id domain.LogicalID) (resource.Version, error)
	// ReadVersion returns a version, also one that is a deletion, or NotFound.
	ReadVersion(ctx context.Context, t domain.ResourceType, id domain.LogicalID, v domain.VersionID) (resource.Version, error)
	// InstanceHistory is a page of the history of a resource. It fails with NotFound
	// for what never was or is erased.
	InstanceHistory(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error)
	// TypeHistory is the history of a type, or of the whole system for "".
	TypeHistory(ctx context.Context, t domain.ResourceType, q resource.HistoryQuery) (resource.HistoryPage, error)
	// Before is the number of records whose instant, in milliseconds since 1970,
	// is less. It fails when the log cannot be read.
	Before(instant int64) (uint64, error)
	// CommitEnd is the number of records up to the last one of the commit that a
	// position below Applied belongs to: all of them became visible together.
	CommitEnd(position uint64) (uint64, error)
}

// Searcher finds and reads versions at any snapshot, that is a number of
// records. It is called concurrently.
type Searcher interface {
	// Parameters is the set of search parameters now in force. As long as nothing
	// changes, it is the same set.
	Parameters() *search.Set
	// Search finds a page of the matches of a query.
	Search(ctx context.Context, r search.PageRequest) (search.Page, error)
	// Include finds what a page of matches includes.
	Include(ctx context.Context, r search.IncludeRequest) (search.Included, error)
	// ReadAt returns the version at a position that a search or a history has given
	// for the same answer, also if it was erased since. It fails with Unavailable when
	// its content is gone by now.
	ReadAt(ctx context.Context, position uint64) (resource.Version, error)
	// ReadAsOf returns the version that was current at a snapshot. It fails with
	// Kind NotFound for what was not there yet or is erased, and with Deleted,
	// Version set, for what was deleted.
	ReadAsOf(ctx context.Context, t domain.ResourceType, id domain.LogicalID, snapshot uint64) (resource.Version, error)
}

// HealthCheck is one line of /health/check.
type HealthCheck struct {
	Name string
	// Check returns nil when all is well, a Degraded when somebody has to act and
	// requests are answered all the same, and any other error when the server should
	// get no requests. The text is shown, so it must not hold anything about patients.
	// It has to return quickly.
	Check func(ctx context.Context) error
}

// Degraded is what a HealthCheck tells of a server that answers, but not in full.
type Degraded string

// Error is the text that is shown.
func (d Degraded) Error() string { return string(d) }

// Dependencies are what a Server works with. The first four are needed.
type Dependencies struct {
	Writer      Writer
	Reader      Reader
	Searcher    Searcher
	Definitions *definitions.Definitions
	Checks      []HealthCheck
	// Administrator and Jobs go together; without them search parameters are not
	// administered here.
	Administrator Administrator
	Jobs          Jobs
	// Rebuilds, if set, are what $rebuild is for: they compute everything that reads
	// and searches need anew from the log.
	Rebuilds Runs
	// Compactions, if set, are what $compact is for: they remove for good what hard
	// deletes and $purge-history have hidden.
	Compactions Runs
	// Proofs, if set, is what /log is for.
	Proofs Proofs
	// Events, if set, is what /log/events tells.
	Events Events
	// Locked, if set, is asked whether there is a key to what is served.
	Locked Locked
	// Validator is what $validate asks; one is made if it is nil.
	Validator *validate.Validator
	// Profiles, if set, are what resources may be validated against as well.
	Profiles Profiles
}

// Server is the FHIR REST interface. All its fields but capability are set by
// New and not changed later; what they point to is safe for concurrent use, and
// so is capability.
type Server struct {
	writer        Writer
	reader        Reader
	searcher      Searcher
	checks        []HealthCheck
	administrator Administrator // nil, together with jobs: nothing is administered
	jobs          Jobs
	rebuilds      Runs   // may be nil
	compactions   Runs   // may be nil
	proofs        Proofs // may be nil
	events        Events // may be nil
	locked        Locked // may be nil
	validator     *validate.Validator
	profiles      Profiles // may be nil
	fhir          *definitions.Definitions
	// The types of a Bundle and its parts, for the envelope of batches.
	bundle, bundleEntry, bundleRequest *definitions.Type

	options Options
	log     zerolog.Logger
	routes  *routes
	types   map[string]*typeRules
	sorted  []*typeRules // by name
	metrics *metrics
	gather  http.Handler
	gate    *gate
	// evaluations are the turns of $fhirpath, which may take much memory each.
	evaluations *gate
	proving     *gate // the turns of proofs, which may wait for a checkpoint
	feeds       *gate // the turns of feeds of events, which may last for ever
	tokens      eventTokens
	bodies      *budget
	cors        *cors

	connections *connections
	feeding     context.Context // ends with EndFeeds
	endFeeds    context.CancelFunc
	tokenKey    []byte // seals paging tokens

	capability capability
	operations map[string]templated // OperationDefinitions by name
}

// New makes a Server, or says everything that is wrong with its options.
func New(d Dependencies, o Options) (*Server, error) {
	if d.Writer == nil || d.Reader == nil || d.Searcher == nil || d.Definitions == nil {
		return nil, errors.New("httpapi: Writer, Reader, Searcher and Definitions are needed")
	}
	o, err := o.complete(d.Definitions)
	if err != nil {
		return nil, err
	}
	registry := o.Metrics
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	s := &Server{
		writer: d.Writer, reader: d.Reader, searcher: d.Searcher, checks: d.Checks, fhir: d.Definitions,
		administrator: d.Administrator, jobs: d.Jobs, rebuilds: d.Rebuilds, compactions: d.Compactions, proofs: d.Proofs, events: d.Events, locked: d.Locked, validator: d.Validator, profiles: d.Profiles,
		bundle: d.Definitions.Type("Bundle"), bundleEntry: d.Definitions.Type("Bundle.entry"), bundleRequest: d.Definitions.Type("Bundle.entry.request"),
		options: o, log: o.Logger,
		tokenKey:    tokenKey(o.TokenKey),
		gate:        newGate(o.MaxConcurrent, o.QueueWait),
		evaluations: newGate(evaluationsAtOnce, o.QueueWait),
		proving:     newGate(proofsAtOnce, o.QueueWait),
		feeds:       newGate(feedsAtOnce, o.QueueWait),
		tokens:      newEventTokens(o.EventTokens),
		bodies:      newBudget(o.MaxBodyBytesInFlight, o.QueueWait),
		cors:        newCORS(o.CORS),
		gather:      promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	s.feeding, s.endFeeds = context.WithCancel(context.Background())
	if s.validator == nil {
		s.validator = validate.New(d.Definitions)
	}
	s.types, s.sorted = rulesOf(d.Definitions, &o)
	if s.routes, err = newRoutes(o.BasePath, s.places()); err != nil {
		return nil, err
	}
	s.routes.remember(o.BasePath)
	for _, t := range s.sorted {
		s.routes.remember(o.BasePath + "/" + string(t.name))
	}
	if s.metrics, err = newMetrics(registry, s.routes, s.bodies); err != nil {
		return nil, err
	}
	if s.connections, err = newConnections(registry, o.MaxConnections); err != nil {
		return nil, err
	}
	if s.operations, err = s.describeOperations(); err != nil {
		return nil, err
	}
	return s, nil
}

// Handler returns what serves requests. It needs no further wrapping.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

// BodyBytes is how much memory the bodies of requests take at the moment: what
// Options.MaxBodyBytesInFlight bounds.
func (s *Server) BodyBytes() int64 { return s.bodies.used.Load() }

// MetricsHandler serves the Prometheus metrics, for a listener of their own;
// see Options.SeparateMetrics.
func (s *Server) MetricsHandler() http.Handler { return s.gather }

// HTTPServer returns an http.Server for Handler with the limits that only the
// connection can keep: slow or long headers, idle connections and too many of
// them. What it refuses before there is a request, it refuses in plain text.
// The caller listens and shuts it down.
func (s *Server) HTTPServer() *http.Server {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.options.SlowGrace,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // X-Provenance carries a resource
		ConnState:         s.connections.watch,
		ErrorLog:          connectionLog(s.log),
	}
	server.RegisterOnShutdown(s.EndFeeds) // it waits for all that is being answered
	return server
}
