package patch

import (
	"errors"
	"strings"
	"testing"

	"fhirlog/domain"
)

func TestCheckImmutable(t *testing.T) {
	before := `{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2024-01-02T03:04:05Z","tag":[{"code":"x"}]},"text":{"status":"generated","div":"<div>x</div>"},"active":true}`
	edit := func(old, replacement string) string { return strings.Replace(before, old, replacement, 1) }
	tests := []struct {
		name, before, after string
		want                []string // messages
	}{
		{"nothing", before, before, nil},
		{"data and tags", before, strings.Replace(edit(`true`, `false`), `"x"`, `"y"`, 1), nil},
		{"another order and spelling", before, `{"text":{"div":"<div>\u0078</div>","status":"generated"},"meta":{"lastUpdated":"2024-01-02T03:04:05Z","versionId":"1"},"id":"a","resourceType":"Patient"}`, nil},
		{"type", before, edit(`Patient`, `Group`), []string{"The patch changes resourceType, which is immutable: a patch must leave it as it is."}},
		{"id", before, edit(`"a"`, `"b"`), []string{"The patch changes id, which is immutable"}},
		{"no id", before, edit(`"id":"a",`, ``), []string{"The patch removes id, which is immutable"}},
		{"version", before, edit(`"1"`, `"2"`), []string{"The patch changes meta.versionId, which is immutable"}},
		{"instant", before, edit(`05Z`, `06Z`), []string{"The patch changes meta.lastUpdated, which is immutable"}},
		{"meta as a whole", before, edit(`"versionId":"1","lastUpdated":"2024-01-02T03:04:05Z",`, ``), []string{"removes meta.versionId", "removes meta.lastUpdated"}},
		{"status of the narrative", before, edit(`generated`, `empty`), []string{"The patch changes text.status, which is immutable"}},
		{"narrative", before, edit(`<div>x`, `<div>y`), []string{"The patch changes text.div, which is immutable"}},
		{"no narrative", before, edit(`"text":{"status":"generated","div":"<div>x</div>"},`, ``), []string{"removes text.status", "removes text.div"}},
		{"a new narrative", edit(`"text":{"status":"generated","div":"<div>x</div>"},`, ``), before, []string{"adds text.status", "adds text.div"}},
		{"no resource", before, `[]`, []string{"The result of the patch is an array, not a resource."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := CheckImmutable(parse(t, test.before), parse(t, test.after))
			var known *domain.Error
			if errors.As(err, &known) != (len(test.want) > 0) {
				t.Fatalf("CheckImmutable = %v, want %q", err, test.want)
			}
			if known == nil {
				return
			}
			if known.Kind != domain.Invalid || len(known.Issues) != len(test.want) {
				t.Fatalf("CheckImmutable = kind %d, %v, want %q", known.Kind, err, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(known.Issues[i].Message, want) {
					t.Errorf("issue %d is %q, want %q", i, known.Issues[i].Message, want)
				}
			}
		})
	}
}
