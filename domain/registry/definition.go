package registry

import (
	"encoding/json"
	"slices"

	"fhirlog/domain/definitions"
	"fhirlog/domain/definitions/tables"
	"fhirlog/domain/fhirjson"
)

// Definition reads a SearchParameter of any FHIR version. What is missing stays
// empty.
func Definition(resource fhirjson.Value) definitions.SearchParameter {
	def := definitions.SearchParameter{
		URL:        resource.Get("url").String(),
		Code:       resource.Get("code").String(),
		Type:       resource.Get("type").String(),
		Base:       texts(resource.Get("base")),
		Expression: resource.Get("expression").String(),
		Targets:    texts(resource.Get("target")),
		Comparator: texts(resource.Get("comparator")),
		Modifier:   texts(resource.Get("modifier")),
		SingleOr:   resource.Get("multipleOr").Kind() == fhirjson.False,
		SingleAnd:  resource.Get("multipleAnd").Kind() == fhirjson.False,
		Status:     resource.Get("status").String(),
	}
	for _, name := range []string{"xpathUsage", "processingMode"} {
		if mode := resource.Get(name).String(); mode != "normal" {
			def.Mode += mode
		}
	}
	for c := resource.Get("component").First(); c.Exists(); c = c.Next() {
		definition := c.Get("definition")
		if definition.Kind() == fhirjson.Object { // STU3 refers
			definition = definition.Get("reference")
		}
		def.Components = append(def.Components, tables.Component{
			Definition: definition.String(), Expression: c.Get("expression").String(),
		})
	}
	return def
}

// texts reads a list of strings; STU3 allows a single one in places.
func texts(v fhirjson.Value) (list []string) {
	if v.Kind() == fhirjson.String {
		return []string{v.String()}
	}
	for item := v.First(); item.Exists(); item = item.Next() {
		list = append(list, item.String())
	}
	return list
}

// indexedAlike says that two definitions give the same index values.
func indexedAlike(a, b *definitions.SearchParameter) bool {
	return a.Type == b.Type && a.Expression == b.Expression &&
		sameNames(a.Base, b.Base) && sameNames(a.Targets, b.Targets) && slices.Equal(a.Components, b.Components)
}

func sameNames(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// stored is the form of a definition in rows of the projections.
type stored struct {
	URL        string             `json:"url,omitempty"`
	Code       string             `json:"code,omitempty"`
	Type       string             `json:"type,omitempty"`
	Base       []string           `json:"base,omitempty"`
	Expression string             `json:"expression,omitempty"`
	Targets    []string           `json:"target,omitempty"`
	Components []tables.Component `json:"component,omitempty"`
	Comparator []string           `json:"comparator,omitempty"`
	Modifier   []string           `json:"modifier,omitempty"`
	Mode       string             `json:"mode,omitempty"`
	SingleOr   bool               `json:"singleOr,omitempty"`
	SingleAnd  bool               `json:"singleAnd,omitempty"`
	Status     string             `json:"status,omitempty"`
	Constraint string             `json:"constraint,omitempty"`
}

// AppendDefinition appends the stored form of a definition, and
// ParseStored reads it.
func AppendDefinition(dst []byte, def *definitions.SearchParameter) ([]byte, error) {
	text, err := json.Marshal(stored(*def))
	return append(dst, text...), err
}

// ParseStored inverts AppendDefinition.
func ParseStored(text []byte) (definitions.SearchParameter, error) {
	var s stored
	err := json.Unmarshal(text, &s)
	return definitions.SearchParameter(s), err
}
