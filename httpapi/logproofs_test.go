package httpapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

// testProofs answers with what it was asked.
type testProofs struct {
	asked    ProofRequest
	cosigned []byte
	fail     error
}

func (p *testProofs) PublicKey() string { return "name+hash+key" }

func (p *testProofs) Checkpoint(context.Context) ([]byte, error) {
	return []byte("signed\n"), p.fail
}

func (p *testProofs) Tile(path string) ([]byte, bool, error) {
	return []byte(path), !strings.Contains(path, ".p"), p.fail
}

func (p *testProofs) Prove(_ context.Context, r ProofRequest) ([]byte, error) {
	p.asked = r
	return []byte(`{"proof":true}`), p.fail
}

func (p *testProofs) Consistency(_ context.Context, from, to uint64) ([]byte, error) {
	return fmt.Appendf(nil, `{"from":%d,"to":%d}`, from, to), p.fail
}

func (p *testProofs) Cosigned() ([]byte, error) {
	if p.cosigned == nil {
		return nil, domain.NewError(domain.NotFound, "nobody has cosigned")
	}
	return p.cosigned, p.fail
}

func (p *testProofs) Cosign(signed []byte) error {
	if string(signed) == "a forgery" {
		return domain.NewError(domain.Invalid, "that is a forgery")
	}
	p.cosigned = signed
	return p.fail
}

func newProven(t testing.TB, o Options) (*service, *testProofs) {
	t.Helper()
	p := &testProofs{}
	return newServiceOf(t, definitions.R4, o, func(d *Dependencies) { d.Proofs = p }), p
}

func TestLogProofs(t *testing.T) {
	for _, base := range []string{"/fhir", "/"} {
		sv, p := newProven(t, Options{BasePath: base})
		prefix := strings.TrimSuffix(base, "/")
		sv.do("GET /log/key").want(200).body("name+hash+key\n").header("Content-Type", "text/plain; charset=utf-8")
		sv.do("GET /log/checkpoint").want(200).body("signed\n").header("Cache-Control", "no-cache")
		sv.do("GET /log/tile/0/x001/234").want(200).body("tile/0/x001/234").header("Cache-Control", immutable).header("Content-Type", "application/octet-stream")
		sv.do("GET /log/tile/0/x001/x002/x003/004").want(200).body("tile/0/x001/x002/x003/004")
		sv.do("GET /log/tile/0/x001/x002/x003/004.p/9").want(200).header("Cache-Control", "private, no-cache")
		sv.do("GET /log/tile/0").want(404)
		sv.do("GET /log/consistency?from=3&to=9").want(200).body(`{"from":3,"to":9}`).header("Content-Type", "application/json; charset=utf-8")
		sv.do("GET /log/proof?position=7&size=9&bodySalt=true").want(200).body(`{"proof":true}`)
		if p.asked != (ProofRequest{Position: 7, Size: 9, BodySalt: true}) {
			t.Errorf("asked for %+v", p.asked)
		}
		sv.do("PUT "+prefix+"/Patient/a", `{"resourceType":"Patient","id":"a"}`).want(201)
		a := sv.do("PUT "+prefix+"/Patient/a", "Prefer: proof", `{"resourceType":"Patient","id":"a","active":true}`).want(200).header("Preference-Applied", "proof")
		position := sv.model.positionOf(t, "Patient", "a", 2)
		a.header("Link", fmt.Sprintf(`<http://example.com/log/proof?position=%d>; rel="urn:fhirlog:proof"`, position))
		sv.do("GET /log/proof?resource=Patient/a&version=2").want(200)
		if p.asked != (ProofRequest{Position: position}) {
			t.Errorf("asked for %+v, want position %d", p.asked, position)
		}
		sv.do("POST /log/key").want(405).header("Allow", "GET, HEAD")
		sv.do("GET /log/cosigned").want(404).body("nobody has cosigned\n")
		sv.do("POST /log/cosigned", "a forgery").want(400).body("that is a forgery\n")
		sv.do("POST /log/cosigned", strings.Repeat("x", mostCosigned+1)).want(413)
		sv.do("POST /log/cosigned", "cosigned\n").want(200).body("cosigned\n")
		sv.do("GET /log/cosigned").want(200).body("cosigned\n")
		sv.do("DELETE /log/cosigned").want(405).header("Allow", "GET, HEAD, POST")
		for failure, status := range map[error]int{
			domain.NewError(domain.NotFound, "not there"):     404,
			domain.NewError(domain.Unavailable, "not now"):    503,
			errors.New("the file of patient Smith is broken"): 500,
			context.DeadlineExceeded:                          408,
		} {
			p.fail = failure
			for _, path := range []string{"checkpoint", "tile/0/000", "proof?position=1", "consistency?from=1"} {
				sv := &service{t: t, s: sv.s, model: sv.model}
				if a := sv.do("GET /log/" + path).want(status); strings.Contains(a.Body.String(), "Smith") {
					t.Errorf("GET /log/%s tells %s", path, a.Body)
				}
			}
		}
	}
}

// positionOf finds the record of a version in the model.
func (m *model) positionOf(t testing.TB, typ domain.ResourceType, id domain.LogicalID, v domain.VersionID) uint64 {
	t.Helper()
	found, err := m.ReadVersion(context.Background(), typ, id, v)
	if err != nil {
		t.Fatal(err)
	}
	return found.Position
}

func TestLogProofs_behind_a_proxy(t *testing.T) {
	sv, _ := newProven(t, Options{BaseURL: "https://fhir.example.org/api/fhir"})
	sv.do("PUT /fhir/Patient/a", "Prefer: proof", `{"resourceType":"Patient","id":"a"}`).want(201)
	a := sv.do("GET /fhir/Patient/a", "Prefer: return=minimal, proof").want(200)
	if link := a.Header().Get("Link"); !strings.HasPrefix(link, "<https://fhir.example.org/api/log/proof?position=") {
		t.Errorf("Link: %s", link)
	}
}

func TestWithoutProofs_nothing_is_linked(t *testing.T) {
	sv := newService(t, Options{})
	sv.do("PUT /fhir/Patient/a", "Prefer: proof", `{"resourceType":"Patient","id":"a"}`).want(201).header("Link", "").header("Preference-Applied", "")
	sv.do("GET /log/checkpoint").want(404)
}

// FuzzLogProofs: whatever stands in the query, the answer is one of these.
func FuzzLogProofs(f *testing.F) {
	for _, query := range []string{"position=1", "resource=Patient/a&version=1&size=3&bodySalt=true", "position=%", "resource=/&version=-1", "position=1&position=2"} {
		f.Add("proof", query)
	}
	f.Add("tile/0/x001/234.p/9", "")
	f.Add("consistency", "from=1&to=2")
	sv, _ := newProven(f, Options{})
	f.Fuzz(func(t *testing.T, path, query string) {
		for _, s := range []string{path, query} {
			for _, c := range []byte(s) {
				if c <= ' ' || c >= 0x7f || c == '#' || c == '?' {
					return
				}
			}
		}
		if strings.Contains(path, "%") {
			return
		}
		sv := &service{t: t, s: sv.s, model: sv.model}
		if a := sv.do("GET /log/" + path + "?" + query); a.Code != 200 && a.Code != 400 && a.Code != 404 {
			t.Errorf("GET /log/%s?%s: %d %s", path, query, a.Code, a.Body)
		}
	})
}
