package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// room is a part of the project with a border: what it may import of the other
// rooms and of the world outside.
type room struct {
	path string   // import path of the room; what lies below belongs to it
	may  []string // other rooms it may import, directly or through them
	why  string   // the sentence that a crossed border is answered with
	bare bool     // neither files nor sockets
}

// rooms is the table that ARCHITECTURE.md shows. Tools (cmd, and packages below
// a folder named generate) wire or make things and are no rooms.
var rooms = []room{
	{"fhirlog/domain/commit", []string{"fhirlog/domain", "fhirlog/eventlog"},
		"domain/commit is the one place where domain meets log: it knows neither projections nor HTTP", false},
	{"fhirlog/domain", nil,
		"domain is values and pure functions: it must not know where they are kept or who asks", true},
	{"fhirlog/eventlog", nil,
		"eventlog must not know FHIR: it keeps bytes in order", false},
	{"fhirlog/projections", []string{"fhirlog/domain", "fhirlog/eventlog"},
		"projections follow the log: they must not know who reads them, nor how a command is decided", false},
	{"fhirlog/replay", []string{"fhirlog/domain", "fhirlog/eventlog", "fhirlog/projections"},
		"replay uses the apply functions of the projections: it must not know HTTP or commands", false},
	{"fhirlog/httpapi", []string{"fhirlog/domain", "fhirlog/domain/commit"},
		"httpapi declares the interfaces it needs: it must not know how resources are kept", false},
}

// reserved are modules and packages that one room has for itself.
var reserved = []struct {
	path string
	room string
	why  string
}{
	{"github.com/dgraph-io/badger", "fhirlog/projections", "only projections knows Badger, so that it can be replaced"},
	{"net/http", "fhirlog/httpapi", "only httpapi knows HTTP"},
	{"github.com/gorilla/mux", "fhirlog/httpapi", "only httpapi knows HTTP"},
}

// bareForbidden is what values and pure functions have no use for.
var bareForbidden = []string{"os", "net", "os/exec", "syscall"}

// listed is what `go list -deps -json` says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestRooms(t *testing.T) {
	packages := listPackages(t, "fhirlog/...")
	for _, r := range rooms {
		if !slices.ContainsFunc(packages, func(p listed) bool { return within(p.ImportPath, r.path) }) {
			t.Errorf("no package in room %s: is the table still right?", r.path)
		}
	}
	for _, fault := range crossings(packages) {
		t.Error(fault)
	}
}

// listPackages asks the go command for packages and all that they depend on.
func listPackages(t *testing.T, patterns ...string) []listed {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Imports,Standard"}, patterns...)...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// crossings names every arrow that leads where it must not.
func crossings(packages []listed) []string {
	imports := make(map[string][]string, len(packages))
	standard := make(map[string]bool, len(packages))
	for _, p := range packages {
		imports[p.ImportPath], standard[p.ImportPath] = p.Imports, p.Standard
	}
	var faults []string
	for _, p := range packages {
		r := roomOf(p.ImportPath)
		if r == nil || isTool(p.ImportPath) {
			continue
		}
		for _, reached := range reachable(p.ImportPath, imports) {
			if other := roomOf(reached.path); other != nil && other != r && !slices.Contains(r.may, other.path) {
				faults = append(faults, fmt.Sprintf("%s imports %s (%s): %s", p.ImportPath, reached.path, reached.way, r.why))
			}
		}
		for _, direct := range p.Imports {
			for _, own := range reserved {
				if within(direct, own.path) && r.path != own.room {
					faults = append(faults, fmt.Sprintf("%s imports %s: %s", p.ImportPath, direct, own.why))
				}
			}
			if r.bare && !forTests(p) && slices.Contains(bareForbidden, direct) {
				faults = append(faults, fmt.Sprintf("%s imports %s: domain has no files and no sockets", p.ImportPath, direct))
			}
		}
	}
	return faults
}

type reachedPackage struct{ path, way string }

// reachable returns the packages of the project that a package depends on, each
// with one way there. It does not look into rooms beyond the first border: what
// they import is their own matter.
func reachable(from string, imports map[string][]string) []reachedPackage {
	var found []reachedPackage
	seen := map[string]bool{from: true}
	var walk func(path, way string)
	walk = func(path, way string) {
		for _, next := range imports[path] {
			if seen[next] || !within(next, "fhirlog") {
				continue
			}
			seen[next] = true
			found = append(found, reachedPackage{next, way + " → " + next})
			if roomOf(next) == roomOf(from) || roomOf(next) == nil {
				walk(next, way+" → "+next)
			}
		}
	}
	walk(from, from)
	return found
}

// roomOf returns the room a package belongs to, nil if to none.
func roomOf(path string) *room {
	for i := range rooms { // domain/commit stands before domain
		if within(path, rooms[i].path) {
			return &rooms[i]
		}
	}
	return nil
}

// isTool says whether a package is a program that makes a table.
func isTool(path string) bool { return strings.HasSuffix(path, "/generate") }

// forTests says whether a package serves tests only.
func forTests(p listed) bool { return slices.Contains(p.Imports, "testing") }

// within says whether a package is, or lies below, a path.
func within(path, above string) bool {
	return path == above || strings.HasPrefix(path, above+"/")
}

// TestCrossings shows that the check can fail.
func TestCrossings(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    string
		imports []string
		want    string // "" allows it
	}{
		{"log knows FHIR", "fhirlog/eventlog", []string{"fhirlog/domain/event"}, "eventlog must not know FHIR"},
		{"log knows FHIR by a detour", "fhirlog/eventlog", []string{"fhirlog/detour"}, "eventlog must not know FHIR"},
		{"log has packages of its own", "fhirlog/eventlog", []string{"fhirlog/eventlog/record", "os", "golang.org/x/sys/unix"}, ""},
		{"domain knows the log", "fhirlog/domain/event", []string{"fhirlog/eventlog"}, "domain is values and pure functions"},
		{"domain knows its commits", "fhirlog/domain", []string{"fhirlog/domain/commit"}, "domain is values and pure functions"},
		{"domain opens files", "fhirlog/domain/definitions", []string{"os"}, "no files and no sockets"},
		{"tests of domain read files", "fhirlog/domain/publicdata", []string{"os", "testing"}, ""},
		{"domain opens sockets", "fhirlog/domain", []string{"net"}, "no files and no sockets"},
		{"domain parses addresses", "fhirlog/domain/validate", []string{"net/url", "fhirlog/domain/fhirjson"}, ""},
		{"domain speaks HTTP", "fhirlog/domain", []string{"net/http"}, "only httpapi knows HTTP"},
		{"a generator of tables may do both", "fhirlog/domain/definitions/generate", []string{"os", "net/http"}, ""},
		{"commits need log and domain", "fhirlog/domain/commit", []string{"fhirlog/domain/event", "fhirlog/eventlog"}, ""},
		{"commits know projections", "fhirlog/domain/commit", []string{"fhirlog/projections"}, "neither projections nor HTTP"},
		{"projections know commits", "fhirlog/projections/keys", []string{"fhirlog/domain/commit"}, "projections follow the log"},
		{"projections have Badger", "fhirlog/projections", []string{"github.com/dgraph-io/badger/v4"}, ""},
		{"replay has Badger", "fhirlog/replay", []string{"github.com/dgraph-io/badger/v4/options"}, "only projections knows Badger"},
		{"replay needs projections", "fhirlog/replay", []string{"fhirlog/projections"}, ""},
		{"replay knows HTTP", "fhirlog/replay", []string{"fhirlog/httpapi"}, "replay uses the apply functions"},
		{"HTTP needs commits", "fhirlog/httpapi", []string{"fhirlog/domain/commit", "net/http", "github.com/gorilla/mux"}, ""},
		{"HTTP knows projections", "fhirlog/httpapi", []string{"fhirlog/projections"}, "httpapi declares the interfaces"},
		{"HTTP knows the log", "fhirlog/httpapi", []string{"fhirlog/eventlog/record"}, "httpapi declares the interfaces"},
		{"a room speaks HTTP behind its back", "fhirlog/projections", []string{"github.com/gorilla/mux"}, "only httpapi knows HTTP"},
		{"cmd wires everything", "fhirlog/cmd/fhirlog", []string{"fhirlog/httpapi", "fhirlog/eventlog", "net/http", "github.com/dgraph-io/badger/v4"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := crossings([]listed{
				{ImportPath: c.from, Imports: c.imports},
				{ImportPath: "fhirlog/detour", Imports: []string{"fhirlog/domain"}},
			})
			switch {
			case c.want == "" && len(faults) > 0:
				t.Errorf("refused: %q", faults)
			case c.want != "" && (len(faults) == 0 || !strings.Contains(faults[0], c.want)):
				t.Errorf("%s imports %q: got %q, want one that says %q", c.from, c.imports, faults, c.want)
			}
		})
	}
}
