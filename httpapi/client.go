package httpapi

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/event"
)

// client is what is known of who sent a request, and why: it goes into the events of
// what the request writes, and stays there.
type client struct {
	author  string     // who asks, as the header says that Options.AuthorHeader names
	agent   string     // the program, as it calls itself
	address netip.Addr // of the connection, or behind a trusted proxy of the proxy's client
	reason  string     // what X-Reason says
}

// reasonHeader says why something is written, in words that whoever reads the log
// later will understand. It must name no patient: it outlives an erasure.
const reasonHeader = "X-Reason"

// learn notes with what, from where and why a request comes.
func (s *Server) learn(c *client, h *http.Request) error {
	c.agent = event.Clean(h.UserAgent(), event.MaxAgent)
	c.address = s.addressOf(h)
	given := h.Header[reasonHeader]
	switch {
	case len(given) == 0:
		return nil
	case len(given) > 1:
		return invalid("The header " + reasonHeader + " must stand once.")
	}
	if err := event.CheckText(given[0], event.MaxReason); err != nil {
		return invalid("The header " + reasonHeader + " " + err.Error() + ". It goes into the log as it is, and stays there for ever.")
	}
	c.reason = given[0]
	return nil
}

// addressOf is the address of the client. Each proxy on the way adds the one it was
// asked from to X-Forwarded-For; only the last of them is known to tell the truth.
func (s *Server) addressOf(h *http.Request) netip.Addr {
	if forwarded := h.Header["X-Forwarded-For"]; s.options.TrustForwarded && len(forwarded) > 0 {
		last := forwarded[len(forwarded)-1]
		last = last[strings.LastIndexByte(last, ',')+1:]
		if a, ok := event.ParseAddress(strings.TrimSpace(last)); ok {
			return a
		}
	}
	a, _ := event.ParseAddress(h.RemoteAddr)
	return a
}

// identify notes who asks, where a proxy says so; what is public may be asked for by
// anybody.
func (s *Server) identify(c *client, h *http.Request, public bool) error {
	name := s.options.AuthorHeader
	if name == "" || public {
		return nil
	}
	given := h.Header[name]
	fault := ""
	switch {
	case len(given) == 0 || given[0] == "" && len(given) == 1:
		fault = "is not there"
	case len(given) > 1:
		fault = fmt.Sprintf("stands there %d times: the proxy must replace what a client sends, not add to it", len(given))
	default:
		if err := event.CheckText(given[0], event.MaxAuthor); err != nil {
			fault = err.Error()
		} else if event.IsOwnAuthor(given[0]) {
			fault = "names the server itself"
		}
	}
	if fault != "" {
		return domain.NewError(domain.Unauthenticated, "Who asks is told to this server in the header "+name+", by the proxy in front of it that authenticates; the header "+fault+".")
	}
	c.author = given[0]
	return nil
}

// isPublic says whether anybody may ask: for what describes the server, and holds
// nothing of anybody.
func (s *Server) isPublic(r *request) bool {
	_, described := s.operations[r.id]
	return r.call.open || r.call.kind == readKind && r.typ == "OperationDefinition" && described
}

// challenge goes with each 401 (RFC 9110, 15.5.2).
var challenge = []string{`Bearer realm="fhirlog"`}

// checkAuthorHeader refuses names of headers that hold something else.
func checkAuthorHeader(name string, fault func(string, ...any)) {
	if name == "" {
		return
	}
	for _, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
			fault("author header %q is no name of a header, such as X-Forwarded-User", name)
			return
		}
	}
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Proxy-Authorization", "Cookie":
		fault("author header %s holds secrets, which must not get into the log: have the proxy set a header with the name alone, such as X-Forwarded-User", name)
	case "Host", "User-Agent", "Content-Type", "Content-Length", "Accept", "X-Forwarded-For", "X-Request-Id", reasonHeader:
		fault("author header %s has another meaning: have the proxy set one such as X-Forwarded-User", name)
	}
}
