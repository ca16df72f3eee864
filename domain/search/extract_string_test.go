package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
)

// The types of https://hl7.org/fhir/R4/search.html#string.
func TestString(t *testing.T) {
	runExtract(t, definitions.R4, []extractTest{
		{
			"human_name", `{"resourceType":"Patient","name":[{"use":"official","text":"Dr. Eva Li","family":"Li","given":["Eva","Á"],"prefix":["Dr."],"suffix":["MD"],"period":{"start":"2001"}}]}`, "name",
			[]string{
				"present", "value[dr. eva li][Dr. Eva Li]", "text[dr. eva li]", "text[eva li]", "text[li]",
				"value[li][Li]", "value[eva][Eva]", "text[eva]", "value[a][Á]", "text[a]", "value[dr.][Dr.]", "text[dr.]", "value[md][MD]", "text[md]",
			},
		},
		{
			"part_of_a_name", `{"resourceType":"Patient","name":[{"family":"Öztürk-Straße"},{"family":"Li"}]}`, "family",
			[]string{"present", "value[ozturk-strasse][Öztürk-Straße]", "text[ozturk-strasse]", "text[strasse]", "value[li][Li]", "text[li]"},
		},
		{
			"address", `{"resourceType":"Patient","address":[{"use":"home","line":["1 Main St"],"city":"Basel","postalCode":"4051","country":"CH"}]}`, "address",
			[]string{
				"present", "value[1 main st][1 Main St]", "text[1 main st]", "text[main st]", "text[st]",
				"value[basel][Basel]", "text[basel]", "value[4051][]", "text[4051]", "value[ch][CH]", "text[ch]",
			},
		},
		{
			"markdown", `{"resourceType":"ValueSet","description":"Two\n  lines"}`, "description",
			[]string{"present", "value[two lines][Two\n  lines]", "text[two lines]", "text[lines]"},
		},
		{
			"text_of_a_concept", `{"resourceType":"Observation","valueCodeableConcept":{"text":"red"}}`, "value-string",
			[]string{"present", "value[red][]", "text[red]"},
		},
		{
			"empty_string", `{"resourceType":"ValueSet","name":"","title":" "}`, "title",
			[]string{"present"},
		},
		{
			"extension_of_a_primitive_is_no_value", `{"resourceType":"Patient","name":[{"_family":{"extension":[{"url":"urn:x","valueString":"y"}]}}]}`, "family",
			nil,
		},
	})
}

func TestLongString(t *testing.T) {
	set := loadSet(t, definitions.R4)
	long := strings.Repeat("Wörter ", 200)
	resource := parseResource(t, `{"resourceType":"ValueSet","description":"`+long+`"}`)
	slot := set.Find("ValueSet", "description").Slot
	prefix, cut := AppendStringPrefix(Key(slot, AspectValue), long)
	exact := AppendStringValue(Key(slot, AspectValue), long)
	if !cut || len(exact) > MaxKeyText+50 {
		t.Errorf("cut %v, a key of %d bytes", cut, len(exact))
	}
	found, texts := 0, 0
	for _, e := range extractAll(set, resource) {
		if AspectOf(e.Key) == AspectValue && SlotOf(e.Key) == slot {
			if found++; string(e.Key) != string(exact) || !strings.HasPrefix(string(e.Key), string(prefix)) || !StringIsCut(ValueOf(e.Key)) {
				t.Errorf("key %q", e.Key)
			}
		}
		if AspectOf(e.Key) == AspectText && SlotOf(e.Key) == slot {
			if texts++; len(ValueOf(e.Key)) > MaxTextKey+1 {
				t.Errorf("a beginning of %d bytes", len(ValueOf(e.Key)))
			}
		}
	}
	if found != 1 || texts != 2 { // all words begin the same 48 bytes; and there are more
		t.Errorf("%d values, %d texts", found, texts)
	}
}

// TestTextHasAtMostTwelveWords: behind them stands that there are more.
func TestTextHasAtMostTwelveWords(t *testing.T) {
	set := loadSet(t, definitions.R4)
	words := make([]string, 20)
	for i := range words {
		words[i] = fmt.Sprintf("w%02d", i)
	}
	values := valuesOf(set, parseResource(t, `{"resourceType":"Condition","code":{"text":"`+strings.Join(words, " ")+`"}}`), "code")
	texts := slices.DeleteFunc(values, func(v string) bool { return !strings.HasPrefix(v, "text") })
	if len(texts) != maxTextWords+1 || !strings.HasPrefix(texts[11], "text[w11 w12") || texts[12] != "text[2]" {
		t.Errorf("%q", texts)
	}
}
