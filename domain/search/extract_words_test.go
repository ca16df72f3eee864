package search

import (
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

func wordsOf(set *Set, resource string, slot Slot, t *testing.T) []string {
	var words []string
	for _, e := range extractAll(set, parseResource(t, resource)) {
		if SlotOf(e.Key) == slot {
			word, _, _ := CutComponent(ValueOf(e.Key))
			words = append(words, string(word))
		}
	}
	slices.Sort(words)
	return words
}

func TestContentAndText(t *testing.T) {
	set := loadSet(t, definitions.R4)
	resource := `{"resourceType":"Observation","id":"idword","language":"de","meta":{"source":"urn:sourceword","tag":[{"system":"urn:sysword","code":"codeword","display":"Display Word"}]},
		"text":{"status":"generated","div":"<div class=\"attr\"><p>Gl&#252;cose&nbsp;is <b>high</b></p><!--x--></div>"},
		"contained":[{"resourceType":"Patient","id":"p","name":[{"family":"Inner"}],"text":{"status":"generated","div":"<div>hidden</div>"}}],
		"status":"final","code":{"text":"Sugar; sugar, a"},"subject":{"reference":"Patient/refword","display":"Eva"},
		"effectiveDateTime":"2020-01-01","note":[{"text":"Do not\nrepeat: once"}],"extension":[{"url":"urn:extword","valueString":"Extra"}],
		"_status":{"extension":[{"url":"urn:x","valueMarkdown":"beside"}]},
		"valueQuantity":{"value":77,"unit":"mmol"},"component":[{"code":{"text":"` +
		strings.Repeat("l", maxWord+1) + ` 42"}}]}`
	content := []string{"42", "beside", "display", "do", "eva", "extra", "glucose", "hidden", "high", "inner", "is", "mmol", "not", "once", "repeat", "sugar", "word"}
	if got := wordsOf(set, resource, SlotContent, t); !slices.Equal(got, content) {
		t.Errorf("content\n got %q\nwant %q", got, content)
	}
	text := []string{"glucose", "high", "is"}
	if got := wordsOf(set, resource, SlotText, t); !slices.Equal(got, text) {
		t.Errorf("text\n got %q\nwant %q", got, text)
	}
}

func TestTextWords(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"Glucose [Mass/volume] in Blood", []string{"glucose", "mass", "volume", "in", "blood"}},
		{"x-ray, O'Neil", []string{"x", "ray", "o", "neil"}},
		{"ÄRZTE 東京 Ωμέγα", []string{"arzte", "東京", "ωμεγα"}},
	}
	for _, test := range tests {
		if got := textWords(test.text); !slices.Equal(got, test.want) {
			t.Errorf("textWords(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestPlainText(t *testing.T) {
	tests := []struct{ xhtml, want string }{
		{"<div>a<br/>b</div>", " a b "},
		{"a &lt;b&gt; &amp; &#228;&eacute;", "a <b> & äé"},
		{"a & b; &unknown; &", "a & b; &unknown; &"},
		{"cut <b", "cut "},
	}
	for _, test := range tests {
		if got := string(appendPlain(nil, []byte(test.xhtml))); got != test.want {
			t.Errorf("appendPlain(%q) = %q, want %q", test.xhtml, got, test.want)
		}
	}
}
