package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
)

// Options of a Server. The zero value works.
type Options struct {
	// BasePath is where the FHIR service lives, by default /fhir; "/" is the root.
	BasePath string
	// BaseURL is the public URL of the service, base path included, as it stands
	// in Location and fullUrl. Empty: derived from each request's Host.
	BaseURL string
	// TrustForwarded believes X-Forwarded-Proto and X-Forwarded-Host when BaseURL
	// is empty, and the last address in X-Forwarded-For. Only behind a proxy that sets
	// the first two and adds to the third.
	TrustForwarded bool
	// AuthorHeader names the header in which a proxy says who asks, such as
	// X-Forwarded-User. It goes into the events of what a request writes; without it
	// all but what is public gets 401. Only behind a proxy that authenticates, and
	// replaces the header where a client sends it. Empty: nobody is asked.
	AuthorHeader string
	// EventTokens, if there are any, are what /log/events wants one of, in place of
	// an author.
	EventTokens []string

	// MaxBodyBytes bounds one request body after decompression, default 128 MiB.
	MaxBodyBytes int64
	// MaxBodyBytesInFlight bounds the memory for the bodies of all requests
	// together, with 20 bytes for each JSON value in them, for Bundles a copy of
	// the body and 1.5 KiB for each entry, for the criteria of searches, and for
	// large resources on their way to clients; default 512 MiB and at least
	// MaxBodyBytes. Requests wait for room, see QueueWait; those that need more than
	// all of it are refused with 413.
	MaxBodyBytesInFlight int64
	// MaxConcurrent bounds the requests worked on at once, default 1024.
	MaxConcurrent int
	// MaxConnections bounds the clients connected at once, default 4096: an idle
	// one takes some 10 KiB, one with long headers up to 200 KiB. It holds for
	// HTTPServer only.
	MaxConnections int
	// QueueWait is how long a request waits for its turn, or for room for its
	// body, before it is refused with 429; default 5 s.
	QueueWait time.Duration
	// RequestTimeout bounds a request, default 60 s; BundleTimeout one that
	// carries a batch or transaction, default 10 min. BundleTimeout is also the
	// longest that a client may take for any answer.
	RequestTimeout, BundleTimeout time.Duration
	// MinBytesPerSecond is the slowest that bodies may come and answers may go,
	// on average after SlowGrace; default 4096. Slower clients are cut off.
	MinBytesPerSecond int
	// SlowGrace is the time that any client gets, default 20 s.
	SlowGrace time.Duration
	// MaxDepth bounds the nesting of JSON, default 100; MaxNodes the number of
	// its values, default 16 Mi (20 bytes of memory each).
	MaxDepth, MaxNodes int
	// BundleWorkers is how many entries of a batch are worked on at once,
	// default 64: each waits for a commit, few of them compute.
	BundleWorkers int

	// MaxIncludes bounds the resources that a page of a search includes beside its
	// matches, default 1000. What is left out is at $includes.
	MaxIncludes int
	// TokenKey is a secret from which the key of the paging tokens is derived. With
	// the same one tokens stay good after a restart; empty, a key is made up.
	TokenKey []byte

	// NoCompression turns gzip answers off. Compressed requests are always read.
	NoCompression bool
	// CompressAbove is the size in bytes from which answers are compressed,
	// default 4096: below, the processor time buys at most a packet or two.
	CompressAbove int
	// CORS opens the service to browsers of other origins; off by default.
	CORS CORS

	// Versioning, overridden by VersioningOf for single types, and NoUpdateCreate
	// are shown in /metadata. They say what the Writer does and must be the same
	// as its options.
	Versioning     commit.VersioningPolicy
	VersioningOf   map[domain.ResourceType]commit.VersioningPolicy
	NoUpdateCreate bool
	// NoHistory names the types whose history and former versions are not
	// readable. With any, the history of the whole system is off as well.
	NoHistory []domain.ResourceType
	// Withheld names interactions, by their code in the CapabilityStatement, that
	// a type does not offer. AuditEvent never offers update and delete, and
	// Parameters offers nothing.
	Withheld map[domain.ResourceType][]string

	// ProfileValidation says which writes are checked against the profiles that their
	// resources declare, where the request does not say.
	ProfileValidation ProfileValidation

	// SoftwareVersion is shown in /metadata; default "development".
	SoftwareVersion string
	// Metrics is where the server's metrics are registered; default a registry
	// of its own. SeparateMetrics takes /metrics off this handler.
	Metrics         *prometheus.Registry
	SeparateMetrics bool
	// Logger gets one debug line for each request and an error for each failure
	// of the server. The zero Logger is silent.
	Logger zerolog.Logger
	// Clock is used for the times in answers; default time.Now.
	Clock func() time.Time
	// NewID makes the ids of requests; default ULIDs.
	NewID func() string
}

// CORS says which browsers' requests from other origins are allowed
// (https://fetch.spec.whatwg.org/#http-cors-protocol).
type CORS struct {
	Origins     []string      // exact origins, or "*"; empty turns CORS off
	Methods     []string      // default: all that are served
	Headers     []string      // default: all that are understood; "*" for any
	MaxAge      time.Duration // how long a browser keeps the answer; 0 leaves it to the browser
	Credentials bool          // not together with the origin "*"
}

// complete fills in the defaults and names every mistake at once.
func (o Options) complete(d *definitions.Definitions) (Options, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("httpapi: "+format, args...)) }

	if o.BasePath == "" {
		o.BasePath = "/fhir"
	}
	if !validBasePath(o.BasePath) {
		fault("base path %q must begin with '/' and hold only letters, digits, '-', '_', '.' and '/'", o.BasePath)
	}
	o.BasePath = strings.TrimRight(o.BasePath, "/")
	if o.BaseURL != "" {
		u, err := url.Parse(o.BaseURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			fault("base URL %q must be an http or https URL without query", o.BaseURL)
		}
		o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	}
	orDefault(&o.MaxBodyBytes, 128<<20, "body bytes", fault)
	orDefault(&o.MaxBodyBytesInFlight, max(512<<20, o.MaxBodyBytes), "body bytes in flight", fault)
	if o.MaxBodyBytesInFlight < o.MaxBodyBytes {
		fault("body bytes in flight (%d) must be at least the body bytes of one request (%d)", o.MaxBodyBytesInFlight, o.MaxBodyBytes)
	}
	orDefault(&o.MaxConcurrent, 1024, "concurrent requests", fault)
	orDefault(&o.MaxConnections, 4096, "connections", fault)
	orDefault(&o.QueueWait, 5*time.Second, "wait", fault)
	orDefault(&o.RequestTimeout, time.Minute, "request timeout", fault)
	orDefault(&o.BundleTimeout, 10*time.Minute, "bundle timeout", fault)
	orDefault(&o.MinBytesPerSecond, 4096, "bytes per second", fault)
	orDefault(&o.SlowGrace, 20*time.Second, "grace for slow clients", fault)
	orDefault(&o.MaxDepth, 100, "depth", fault)
	orDefault(&o.MaxNodes, 16<<20, "nodes", fault)
	orDefault(&o.BundleWorkers, 64, "bundle workers", fault)
	orDefault(&o.MaxIncludes, 1000, "included resources", fault)
	orDefault(&o.CompressAbove, 4096, "size for compression", fault)
	o.checkTypes(d, fault)
	checkAuthorHeader(o.AuthorHeader, fault)
	o.AuthorHeader = http.CanonicalHeaderKey(o.AuthorHeader)
	for i, token := range o.EventTokens {
		if wrong := CheckToken(token); wrong != "" {
			fault("event token %d %s", i+1, wrong)
		}
	}
	o.CORS.check(fault)
	if o.SoftwareVersion == "" {
		o.SoftwareVersion = "development"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	return o, errors.Join(faults...)
}

func orDefault[T int | int64 | time.Duration](value *T, standard T, name string, fault func(string, ...any)) {
	if *value < 0 {
		fault("%s must not be negative", name)
	}
	if *value == 0 {
		*value = standard
	}
}

func (o *Options) checkTypes(d *definitions.Definitions, fault func(string, ...any)) {
	known := func(option string, t domain.ResourceType) {
		if !d.IsResource(string(t)) {
			fault("%s names %q, which is no resource type of FHIR %s", option, t, d.FHIRVersion())
		}
	}
	for t := range o.VersioningOf {
		known("versioning", t)
	}
	for _, t := range o.NoHistory {
		known("no history", t)
	}
	for t, codes := range o.Withheld {
		known("withheld", t)
		for _, code := range codes {
			if withholdable(code) == 0 {
				fault("withheld interaction %q of %s is not one that is offered", code, t)
			}
		}
	}
}

func (c *CORS) check(fault func(string, ...any)) {
	for _, origin := range c.Origins {
		if origin == "*" {
			if c.Credentials {
				fault("CORS with credentials needs exact origins instead of *")
			}
			continue
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" {
			fault("CORS origin %q must look like https://app.example", origin)
		}
	}
	if c.MaxAge < 0 {
		fault("CORS max age must not be negative")
	}
}

func validBasePath(p string) bool {
	if p[0] != '/' || strings.Contains(p, "//") {
		return false
	}
	for _, c := range []byte(p) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("-_./", rune(c)) {
			return false
		}
	}
	return true
}
