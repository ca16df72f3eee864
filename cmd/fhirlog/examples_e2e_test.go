package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples serves each FHIR version and writes HL7's examples of it by the
// interactions that the server's own CapabilityStatement offers.
func TestExamples(t *testing.T) {
	for version, release := range map[string]string{"R4": "4.0.1", "STU3": "3.0.2", "R4B": "4.3.0", "R5": "5.0.0"} {
		t.Run(version, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("../../testdata/examples", strings.ToLower(version), "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no examples: %v", err)
			}
			s := startServer(t, t.TempDir(), "--fhir-version", version)
			capabilities := mustTree(t, string(s.must(200, "GET", "/metadata", "").body))
			if got := capabilities.get("fhirVersion").string(); got != release {
				t.Errorf("fhirVersion %s, want %s", got, release)
			}
			written := 0
			for _, file := range files {
				if writeExample(t, s, capabilities, file) {
					written++
				}
			}
			if written < len(files)-2 {
				t.Errorf("only %d of %d examples could be written", written, len(files))
			}
			s.stop()
			checkProjections(t, s.data)
		})
	}
}

// writeExample writes a resource and reads it back; false if its type is not
// offered.
func writeExample(t *testing.T, s *server, capabilities *tree, file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	posted := mustTree(t, string(text))
	typ := posted.get("resourceType").string()
	method, place := "PUT", "/"+typ+"/"+posted.get("id").string()
	offers := func(interaction string) bool {
		found, _ := capabilities.at("rest[0].resource[type=" + typ + "].interaction[code=" + interaction + "]")
		return found != nil
	}
	switch {
	case typ == "SearchParameter":
		// HL7's example defines _id once more, and here search parameters take effect.
		s.must(400, method, place, string(text))
		return false
	case offers("update"):
	case offers("create"):
		method, place = "POST", "/"+typ
	default:
		s.must(405, "POST", "/"+typ, string(text))
		return false
	}
	a := s.must(201, method, place, string(text))
	stored := mustTree(t, string(a.body))
	place = "/" + typ + "/" + stored.get("id").string()
	if difference := differs(stored, posted, place); difference != "" {
		t.Errorf("%s: %s", file, difference)
	}
	if read := s.must(200, "GET", place, ""); string(read.body) != string(a.body) {
		t.Errorf("GET %s: got\n%s\nright after\n%s", place, read.body, a.body)
	}
	if a := s.must(200, "GET", place+"?_summary=true&_pretty=true", ""); len(a.body) == 0 {
		t.Errorf("GET %s: an empty summary", place)
	}
	return true
}
