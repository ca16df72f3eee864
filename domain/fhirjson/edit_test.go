package fhirjson

import "testing"

func TestAppendCompact(t *testing.T) {
	d := mustParse(t, "{ \"a\" : [ 1 , 2 ] }")
	if got, want := string(AppendCompact(nil, d.Root(), nil)), `{"a":[1,2]}`; got != want {
		t.Errorf("AppendCompact = %s, want %s", got, want)
	}
}
