package httpapi

import (
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"fhirlog/domain"
)

// Header values that never change, shared by all answers. net/http only reads
// them.
var (
	contentTypeFHIR = []string{"application/fhir+json; charset=utf-8"}
	contentTypeJSON = []string{"application/json; charset=utf-8"}
	nosniff         = []string{"nosniff"}
	sameOrigin      = []string{"SAMEORIGIN"}
	framePolicy     = []string{"frame-src 'self';"}
	cachePolicy     = []string{"private, no-cache"} // patients' data: keep it, but ask again
	vary            = []string{"Accept, Accept-Encoding"}
	encodingGzip    = []string{"gzip"}
)

// standardHeaders sets what every answer carries.
func standardHeaders(h http.Header, requestID, correlationID string) {
	h["X-Request-Id"] = []string{requestID}
	if correlationID != "" {
		h["X-Correlation-Id"] = []string{correlationID}
	}
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = sameOrigin
	h["Content-Security-Policy"] = framePolicy
	h["Cache-Control"] = cachePolicy
	h["Vary"] = vary
}

// newID makes a ULID from the time and 80 random bits.
func newID() string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Now()) // fails in the year 10889
	high, low := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[8+i] = byte(low >> (8 * i))
	}
	id[6], id[7] = byte(high), byte(high>>8)
	return id.String()
}

// correlationID returns the caller's own id of the request if it is fit to be
// repeated in a header and a log.
func correlationID(h http.Header) string {
	given := h["X-Request-Id"]
	if len(given) != 1 || len(given[0]) == 0 || len(given[0]) > 128 {
		return ""
	}
	for _, c := range []byte(given[0]) {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return given[0]
}

// appendETag appends the weak tag of a version.
func appendETag(dst []byte, v domain.VersionID) []byte {
	dst = append(dst, `W/"`...)
	dst = strconv.AppendUint(dst, uint64(v), 10)
	return append(dst, '"')
}

// appendHTTPDate appends an instant as HTTP writes it, in whole seconds.
func appendHTTPDate(dst []byte, milliseconds int64) []byte {
	return time.UnixMilli(milliseconds).UTC().AppendFormat(dst, http.TimeFormat)
}

// conditions are the conditional headers of a request, or the elements of the
// same names in Bundle.entry.request.
type conditions struct {
	ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifNoneExist condition
}

// condition is a header that may be absent.
type condition struct {
	value string
	given bool
}

func conditionsOf(h http.Header) conditions {
	return conditions{
		ifMatch:           conditionOf(h["If-Match"]),
		ifNoneMatch:       conditionOf(h["If-None-Match"]),
		ifModifiedSince:   conditionOf(h["If-Modified-Since"]),
		ifUnmodifiedSince: conditionOf(h["If-Unmodified-Since"]),
		ifNoneExist:       conditionOf(h["If-None-Exist"]),
	}
}

func conditionOf(values []string) condition {
	switch len(values) {
	case 0:
		return condition{}
	case 1:
		return condition{values[0], true}
	}
	return condition{strings.Join(values, ", "), true}
}

// expectedVersion returns the version that If-Match names, nil without one. It
// must be one weak tag: FHIR's tags are never strong.
func (c *conditions) expectedVersion() (*string, error) {
	if !c.ifMatch.given {
		return nil, nil
	}
	tag := strings.TrimSpace(c.ifMatch.value)
	version, ok := weakTag(tag)
	if !ok {
		return nil, invalid(`If-Match must be one weak entity tag, such as W/"3".`)
	}
	return &version, nil
}

// weakTag returns what stands inside W/"…".
func weakTag(tag string) (string, bool) {
	if len(tag) < 5 || !strings.HasPrefix(tag, `W/"`) || tag[len(tag)-1] != '"' {
		return "", false
	}
	inside := tag[3 : len(tag)-1]
	return inside, !strings.ContainsAny(inside, "\" ,")
}

// unchanged tells whether a read is answered with 304: the client holds this
// version already. If-None-Match counts before If-Modified-Since (RFC 9110,
// 13.2.2).
func (c *conditions) unchanged(version domain.VersionID, instant int64) bool {
	if c.ifNoneMatch.given {
		current := version.String()
		for tag := range strings.SplitSeq(c.ifNoneMatch.value, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.Trim(strings.TrimPrefix(tag, "W/"), `"`) == current {
				return true
			}
		}
		return false
	}
	if c.ifModifiedSince.given {
		since, err := http.ParseTime(c.ifModifiedSince.value)
		return err == nil && instant/1000 <= since.Unix()
	}
	return false
}

// serviceURL returns the base URL for absolute links.
func (s *Server) serviceURL(h *http.Request) string {
	if s.options.BaseURL != "" {
		return s.options.BaseURL
	}
	scheme, host := "http://", h.Host
	if h.TLS != nil {
		scheme = "https://"
	}
	if s.options.TrustForwarded {
		if proto := firstOf(h.Header.Get("X-Forwarded-Proto")); proto == "https" || proto == "http" {
			scheme = proto + "://"
		}
		if forwarded := firstOf(h.Header.Get("X-Forwarded-Host")); forwarded != "" {
			host = forwarded
		}
	}
	if !validHost(host) {
		host = "localhost"
		if local, ok := h.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = local.String()
		}
	}
	return scheme + host + s.options.BasePath
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// longestHost is the length of the longest name that DNS allows, with a port.
const longestHost = 253 + len(":65535")

// validHost says whether a Host is fit to be repeated in every link.
func validHost(host string) bool {
	if len(host) > longestHost {
		return false
	}
	for _, c := range []byte(host) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-._~:[]", c) < 0 {
			return false
		}
	}
	return host != ""
}
