package patch

import (
	"slices"
	"strings"
	"testing"

	"fhirlog/domain/definitions"
	"fhirlog/domain/publicdata"
)

// TestSharedXMLPatch runs HL7's tests of XML Patch, which are the examples of RFC
// 5261 in FHIR's namespace. Their documents are no resources, so they go through the
// operations alone.
func TestSharedXMLPatch(t *testing.T) {
	tests, err := parseXMLTree(publicdata.Read(t, "testcases", "fhir-test-cases", "r4", "patch", "xml-patch-tests.xml"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, test := range tests.root().children {
		if test.kind != xmlElement {
			continue
		}
		count++
		t.Run(test.attributes[0].value(), func(t *testing.T) {
			part := map[string]*xmlNode{}
			for _, child := range test.children {
				if child.kind == xmlElement {
					part[child.local] = child
				}
			}
			got, err := runXMLTest(t, part["patch"], part["target"])
			if part["error"] != nil {
				if err == nil {
					t.Errorf("it should fail (%s), and gave %s", part["error"].attributes[0].value(), got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			result, err := parseXMLTree(got)
			if err != nil {
				t.Fatalf("%v in %s", err, got)
			}
			if is, want := sketch(result), sketch(part["patched"]); is != want {
				t.Errorf("got  %s\nwant %s", is, want)
			}
		})
	}
	if count < 27 {
		t.Errorf("only %d tests", count)
	}
}

// runXMLTest applies a patch of the tests to what the element target holds.
func runXMLTest(t *testing.T, diff, target *xmlNode) ([]byte, error) {
	t.Helper()
	parsed, err := ParseXML(load(t, definitions.R4), diff.append(nil))
	if err != nil {
		return nil, err
	}
	return parsed.(*xmlPatch).applyTo((&xmlNode{kind: xmlDocument, children: target.children}).append(nil))
}

// sketch writes what is below a node so that documents can be compared: without white
// space around texts, and with attributes in order.
func sketch(n *xmlNode) string {
	var b strings.Builder
	for _, child := range n.children {
		switch child.kind {
		case xmlElement:
			var attributes []string
			for _, a := range child.attributes {
				if a.prefix == "" && a.declares {
					continue
				}
				attributes = append(attributes, spelledName(a.prefix, a.local)+"="+a.value())
			}
			slices.Sort(attributes)
			b.WriteString("<{" + child.space + "}" + child.local + " " + strings.Join(attributes, " ") + ">" + sketch(child) + "</>")
		case xmlText:
			b.WriteString(strings.TrimSpace(child.characters()))
		default:
			b.WriteString(child.spelled)
		}
	}
	return b.String()
}
