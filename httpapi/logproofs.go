package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"fhirlog/domain"
)

// Proofs proves what the log holds. Its methods fail with a *domain.Error for what a
// client may be told, and are called concurrently. What they give holds no content of
// a resource beyond type and id; Prove tells who wrote it, from where and why.
type Proofs interface {
	// PublicKey is what checkpoints are verified with.
	PublicKey() string
	// Checkpoint is the newest signed checkpoint.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Tile is the tile at a path such as tile/0/x001/234.p/56; full says that it will
	// never have more entries.
	Tile(path string) (entries []byte, full bool, err error)
	// Prove is the proof of the record at a position, as JSON. It may wait for a
	// checkpoint.
	Prove(ctx context.Context, r ProofRequest) ([]byte, error)
	// Consistency proves, as JSON, that the log of size from is the beginning of the
	// log of size to; 0 for the one of the newest checkpoint.
	Consistency(ctx context.Context, from, to uint64) ([]byte, error)
	// Cosigned is the newest checkpoint that witnesses have cosigned; Cosign takes one.
	Cosigned() ([]byte, error)
	Cosign(signed []byte) error
}

// ProofRequest asks for a proof.
type ProofRequest struct {
	Position uint64
	// Size, if not 0, is that of a checkpoint that the client has: the proof shows as
	// well that the log continued it.
	Size uint64
	// BodySalt asks for what the body's commitment was salted with.
	BodySalt bool
}

// logPath is where the log is proven, at the root of the server: it is nothing of
// FHIR, and tools for transparency logs bring paths of their own
// (https://c2sp.org/tlog-tiles).
const logPath = "/log"

// proofsAtOnce bounds the proofs that are made, or wait for a checkpoint.
const proofsAtOnce = 256

// immutable lets caches keep for ever what has no name of its own content.
const immutable = "public, max-age=31536000, immutable"

// tileDepth is how many segments the path of a tile has at most behind tile/: level,
// four groups of the index, width.
const tileDepth = 6

// proofPlaces are what Proofs is for.
func (s *Server) proofPlaces() []place {
	if s.proofs == nil {
		return nil
	}
	outside := func(path string, get, post plainCall) place {
		// Hashes and signatures are for everybody; a proof has what events have.
		return place{template: logPath + path, root: true, outside: true, public: path != "/proof", handler: s.plain(get, post)}
	}
	places := []place{
		outside("/checkpoint", s.logCheckpoint, nil), outside("/key", s.logKey, nil),
		outside("/proof", s.logProof, nil), outside("/consistency", s.logConsistency, nil),
		outside("/cosigned", s.logCosigned, s.logCosign),
	}
	path := "/tile/{t1}"
	for depth := 2; depth <= tileDepth; depth++ {
		path += "/{t" + strconv.Itoa(depth) + "}"
		places = append(places, outside(path, s.logTile, nil))
	}
	return places
}

// plainAnswer is an answer outside FHIR.
type plainAnswer struct {
	contentType string
	cache       string // Cache-Control, unless empty
	body        []byte
}

// plainCall answers a request outside FHIR.
type plainCall func(*http.Request) (plainAnswer, error)

// plain makes a handler of answers to GET and, unless nil, POST; what fails is told
// as text, with the status that the failure has everywhere.
func (s *Server) plain(get, post plainCall) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, h *http.Request) {
		// Within the time that the client has to take the answer; see beginAnswer.
		ctx, cancel := context.WithTimeout(h.Context(), min(s.options.RequestTimeout, s.options.SlowGrace/2))
		defer cancel()
		header := w.Header()
		answer, allow := get, "GET, HEAD"
		if post != nil {
			allow += ", POST"
		}
		switch h.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodPost:
			answer = post
		default:
			answer = nil
		}
		if answer == nil {
			header["Allow"] = []string{allow}
			s.plainFailure(w, domain.NewError(domain.MethodNotAllowed, "The methods here are "+allow+"."))
			return
		}
		a, err := answer(h.WithContext(ctx))
		if err != nil {
			s.plainFailure(w, err)
			return
		}
		header["Content-Type"] = []string{a.contentType}
		if a.cache != "" {
			header["Cache-Control"] = []string{a.cache}
		}
		_, _ = w.Write(a.body)
	})
}

func (s *Server) plainFailure(w http.ResponseWriter, err error) {
	failed := s.failure(w.Header().Get("X-Request-Id"), err)
	header := w.Header()
	header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	if failed.status == http.StatusUnauthorized {
		header["Www-Authenticate"] = challenge
	}
	if failed.retry {
		header["Retry-After"] = []string{"1"}
	}
	w.WriteHeader(failed.status)
	for _, issue := range failed.issues {
		_, _ = w.Write([]byte(issue.Message + "\n"))
	}
}

// linkProof adds to an answer that names a version where that is proven, for a
// client that prefers proof.
func (x *exchange) linkProof(answer *response) {
	if !x.request.prefer.proof || answer.version == 0 || answer.recordAfter == 0 || x.s.proofs == nil {
		return
	}
	root := strings.TrimSuffix(x.request.base, x.s.options.BasePath)
	header := x.w.Header()
	header["Link"] = []string{"<" + root + logPath + "/proof?position=" + strconv.FormatUint(answer.recordAfter-1, 10) + `>; rel="` + proofRelation + `"`}
	header["Preference-Applied"] = []string{"proof"}
}

// proofRelation is the relation of a version to its proof (RFC 8288, 2.1.2).
const proofRelation = "urn:fhirlog:proof"
