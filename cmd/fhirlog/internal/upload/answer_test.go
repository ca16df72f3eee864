package upload

import "testing"

func TestOutcomeReason(t *testing.T) {
	for body, want := range map[string]string{
		`{"issue":[{"diagnostics":"wrong","expression":["Patient.name[2].given[0]"]}]}`:                                "Patient.name.given: wrong",
		`{"issue":[{"code":"processing","diagnostics":"at POST"},{"code":"value","details":{"text":"no such code"}}]}`: "no such code",
		`{"issue":[{"code":"processing","diagnostics":"at POST"}]}`:                                                    "at POST",
		`{"issue":[{"code":"invalid","diagnostics":"first"},{"diagnostics":"second"}]}`:                                "first",
		`{"issue":[{"code":"deleted"}]}`:                                                                               "deleted",
		"Bad   Gateway\n":                                                                                              "Bad Gateway",
	} {
		if got := outcomeReason([]byte(body)); got != want {
			t.Errorf("outcomeReason(%s) = %q, want %q", body, got, want)
		}
	}
}
