package patch

import (
	"errors"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/fhirjson"
)

func load(t testing.TB, v definitions.Version) *definitions.Definitions {
	t.Helper()
	d, err := definitions.Load(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func parse(t testing.TB, text string) fhirjson.Value {
	t.Helper()
	document, err := fhirjson.Parse([]byte(text), fhirjson.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return document.Root()
}

// fault returns an error as what the client is told: its kind and message. What
// is no *domain.Error ends the test.
func fault(t testing.TB, err error) (domain.Kind, string) {
	t.Helper()
	if err == nil {
		return 0, ""
	}
	var known *domain.Error
	if !errors.As(err, &known) || known.Kind == domain.Internal || len(known.Issues) != 1 {
		t.Fatalf("error %v is not one that tells the client one fault", err)
	}
	return known.Kind, known.Issues[0].Message
}

// applyJSON reads and applies a JSON Patch.
func applyJSON(t testing.TB, patch, resource string) (string, error) {
	t.Helper()
	p, err := ParseJSON([]byte(patch))
	if err != nil {
		return "", err
	}
	return apply(t, p, resource)
}

// applyFHIRPath reads and applies a FHIRPath Patch of R4.
func applyFHIRPath(t testing.TB, parameters, resource string) (string, error) {
	t.Helper()
	p, err := ParseFHIRPath(load(t, definitions.R4), parse(t, parameters))
	if err != nil {
		return "", err
	}
	return apply(t, p, resource)
}

// apply applies a patch twice, since a patch must not change by being applied.
func apply(t testing.TB, p Patch, resource string) (string, error) {
	t.Helper()
	before := parse(t, resource)
	after, err := p.Apply(before)
	again, againErr := p.Apply(before)
	if (err == nil) != (againErr == nil) || err == nil && string(after.Source()) != string(again.Source()) {
		t.Fatalf("Apply gives %v, %v first and %v, %v then", after, err, again, againErr)
	}
	if string(before.Document().Source()) != resource {
		t.Fatal("Apply changed the resource that it was given")
	}
	if err != nil {
		return "", err
	}
	return string(after.Source()), nil
}
