package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// cors answers for the origins that browsers may come from. A nil cors allows
// none.
type cors struct {
	any         bool
	origins     []string
	methods     string
	headers     string // "" repeats what is asked for
	maxAge      string
	credentials bool
}

// exposedHeaders are those that a script may read beside the usual ones.
const exposedHeaders = "Accept-Patch, Content-Location, ETag, Items-Deleted, Last-Modified, Location, Retry-After, X-Correlation-Id, X-Progress, X-Request-Id"

func newCORS(o CORS) *cors {
	if len(o.Origins) == 0 {
		return nil
	}
	c := &cors{
		any: slices.Contains(o.Origins, "*"), origins: o.Origins, credentials: o.Credentials,
		methods: "GET, HEAD, POST, PUT, PATCH, DELETE",
		headers: "Accept, Accept-Encoding, Authorization, Content-Type, Content-Encoding, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, X-Bundle-Processing-Logic, X-Ms-Profile-Validation, X-Ms-Use-Partial-Indices, X-Provenance, X-Reason, X-Request-Id",
	}
	if len(o.Methods) > 0 {
		c.methods = strings.Join(o.Methods, ", ")
	}
	if slices.Contains(o.Headers, "*") {
		c.headers = ""
	} else if len(o.Headers) > 0 {
		c.headers = strings.Join(o.Headers, ", ")
	}
	if o.MaxAge > 0 {
		c.maxAge = strconv.Itoa(int(o.MaxAge.Seconds()))
	}
	return c
}

// answered sets the headers for a request from another origin, and answers a
// preflight completely.
func (c *cors) answered(w http.ResponseWriter, h *http.Request) bool {
	if c == nil {
		return false
	}
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := h.Header.Get("Origin")
	if origin == "" {
		return false
	}
	preflight := h.Method == http.MethodOptions && h.Header.Get("Access-Control-Request-Method") != ""
	if c.any || slices.Contains(c.origins, origin) {
		c.allow(header, origin)
		if preflight {
			c.allowMore(header, h)
		}
	}
	if preflight {
		// Without the headers the browser knows that it may not.
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}

func (c *cors) allow(header http.Header, origin string) {
	if c.any {
		origin = "*"
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if c.credentials {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	header.Set("Access-Control-Expose-Headers", exposedHeaders)
}

// allowMore answers what a preflight asks.
func (c *cors) allowMore(header http.Header, h *http.Request) {
	header.Set("Access-Control-Allow-Methods", c.methods)
	headers := c.headers
	if headers == "" {
		headers = h.Header.Get("Access-Control-Request-Headers")
	}
	if headers != "" {
		header.Set("Access-Control-Allow-Headers", headers)
	}
	if c.maxAge != "" {
		header.Set("Access-Control-Max-Age", c.maxAge)
	}
}
