package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"fhirlog/domain"
)

func (s *Server) logKey(*http.Request) (plainAnswer, error) {
	return plainAnswer{contentType: "text/plain; charset=utf-8", body: []byte(s.proofs.PublicKey() + "\n")}, nil
}

func (s *Server) logCheckpoint(h *http.Request) (plainAnswer, error) {
	signed, err := s.proofs.Checkpoint(h.Context())
	return plainAnswer{contentType: "text/plain; charset=utf-8", cache: "no-cache", body: signed}, err
}

// mostCosigned bounds a checkpoint that witnesses bring back.
const mostCosigned = 64 << 10

func (s *Server) logCosigned(*http.Request) (plainAnswer, error) {
	signed, err := s.proofs.Cosigned()
	return plainAnswer{contentType: "text/plain; charset=utf-8", cache: "no-cache", body: signed}, err
}

// logCosign takes a checkpoint that witnesses have cosigned, and answers with the
// newest such one.
func (s *Server) logCosign(h *http.Request) (plainAnswer, error) {
	signed, err := io.ReadAll(io.LimitReader(h.Body, mostCosigned+1))
	if err != nil {
		return plainAnswer{}, invalid("The body could not be read.")
	}
	if len(signed) > mostCosigned {
		return plainAnswer{}, domain.NewError(domain.TooLarge, "A cosigned checkpoint has at most "+strconv.Itoa(mostCosigned)+" bytes.")
	}
	if err := s.proofs.Cosign(signed); err != nil {
		return plainAnswer{}, err
	}
	return s.logCosigned(h)
}

func (s *Server) logTile(h *http.Request) (plainAnswer, error) {
	entries, full, err := s.proofs.Tile(strings.TrimPrefix(h.URL.Path, logPath+"/"))
	a := plainAnswer{contentType: "application/octet-stream", body: entries}
	if full {
		a.cache = immutable
	}
	return a, err
}

// logProof answers with the proof of a record, named by its position or by the
// version of a resource that it is.
func (s *Server) logProof(h *http.Request) (plainAnswer, error) {
	q, err := parsePlainQuery(h, "position", "resource", "version", "size", "bodySalt")
	if err != nil {
		return plainAnswer{}, err
	}
	wanted := ProofRequest{}
	if wanted.Size, err = q.number("size", 0); err != nil {
		return plainAnswer{}, err
	}
	switch q.values["bodySalt"] {
	case "true":
		wanted.BodySalt = true
	case "", "false":
	default:
		return plainAnswer{}, invalid("bodySalt must be true or false.")
	}
	_, byPosition := q.values["position"]
	if _, byResource := q.values["resource"]; byPosition == byResource {
		return plainAnswer{}, invalid("Either position=<number> or resource=<type>/<id> must name the record, the latter with version=<number> unless the current one is meant.")
	}
	if byPosition {
		wanted.Position, err = q.number("position", 0)
	} else {
		wanted.Position, err = s.positionOf(h.Context(), q.values["resource"], q.values["version"])
	}
	if err != nil {
		return plainAnswer{}, err
	}
	if err := s.proving.enter(h.Context()); err != nil {
		return plainAnswer{}, err
	}
	defer s.proving.leave()
	text, err := s.proofs.Prove(h.Context(), wanted)
	return plainAnswer{contentType: contentTypeJSON[0], body: text}, err
}

func (s *Server) logConsistency(h *http.Request) (plainAnswer, error) {
	q, err := parsePlainQuery(h, "from", "to")
	if err != nil {
		return plainAnswer{}, err
	}
	if q.values["from"] == "" {
		return plainAnswer{}, invalid("from=<number> must name the size of an earlier checkpoint.")
	}
	from, err := q.number("from", 0)
	if err != nil {
		return plainAnswer{}, err
	}
	to, err := q.number("to", 0)
	if err != nil {
		return plainAnswer{}, err
	}
	if to != 0 && from > to {
		return plainAnswer{}, invalid("from must not be greater than to.")
	}
	if err := s.proving.enter(h.Context()); err != nil {
		return plainAnswer{}, err
	}
	defer s.proving.leave()
	text, err := s.proofs.Consistency(h.Context(), from, to)
	return plainAnswer{contentType: contentTypeJSON[0], body: text}, err
}

// positionOf finds the record that wrote a version, the current one without a
// version. A deletion is a version too.
func (s *Server) positionOf(ctx context.Context, reference, version string) (uint64, error) {
	name, rest, _ := strings.Cut(reference, "/")
	rules := s.types[name]
	if rules == nil {
		return 0, s.unknownType(name)
	}
	t := domain.ResourceType(name)
	id, err := domain.ParseLogicalID(rest)
	if err != nil {
		return 0, invalid("resource must be <type>/<id>: " + err.Error() + ".")
	}
	if version == "" {
		current, err := s.reader.Read(ctx, t, id)
		if gone, ok := errors.AsType[*domain.Error](err); ok && gone.Kind == domain.Deleted {
			current, err = s.reader.ReadVersion(ctx, t, id, gone.Version)
		}
		return current.Position, err
	}
	wanted, err := domain.ParseVersionID(version)
	if err != nil {
		return 0, invalid("version must be the number of a version: " + err.Error() + ".")
	}
	found, err := s.reader.ReadVersion(ctx, t, id, wanted)
	return found.Position, err
}

// plainQuery is the query of a request outside FHIR: each parameter at most once.
type plainQuery struct{ values map[string]string }

func parsePlainQuery(h *http.Request, known ...string) (plainQuery, error) {
	given, err := parseParameters(h.URL.RawQuery)
	if err != nil {
		return plainQuery{}, err
	}
	q := plainQuery{map[string]string{}}
	for _, p := range given {
		if _, twice := q.values[p.name]; twice {
			return plainQuery{}, invalid(p.name + " must stand once.")
		}
		ok := false
		for _, name := range known {
			ok = ok || name == p.name
		}
		if !ok {
			return plainQuery{}, invalid("The parameters here are " + strings.Join(known, ", ") + "; " + printable(p.name, 64) + " is none of them.")
		}
		q.values[p.name] = p.value
	}
	return q, nil
}

// number reads a parameter that is a number.
func (q plainQuery) number(name string, standard uint64) (uint64, error) {
	text, given := q.values[name]
	if !given {
		return standard, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, invalid(name + " must be a number.")
	}
	return n, nil
}
