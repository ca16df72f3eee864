package httpapi

import (
	"fmt"

	"fhirlog/domain/definitions"
)

// operation is one operation that this server offers, as /metadata and
// /OperationDefinition/{name} describe it.
type operation struct {
	kind        kind
	title       string
	identifier  string // a name for programs
	description string
	system      bool // invoked on the service; else below it
	typ         bool // invoked on a type; else on a resource
	changes     bool // it changes what is stored
	parameters  []parameterDefinition
}

// operations are all operations, in the order of /metadata.
var operations = []operation{
	{
		kind: purgeKind, title: "Purge history", identifier: "PurgeHistory", changes: true,
		description: "Erases all versions of a resource but the current one. It is invoked with DELETE on the resource's path followed by /$purge-history.",
	},
	{
		kind: versionsKind, title: "Versions", identifier: "Versions", system: true,
		description: "Tells which FHIR versions the service speaks. It is invoked with GET.",
		parameters: []parameterDefinition{
			{Name: "version", Use: "out", Min: 1, Max: "*", Documentation: "A FHIR version that is spoken, such as 4.0", Type: "code"},
			{Name: "default", Use: "out", Min: 1, Max: "1", Documentation: "The FHIR version that is spoken where none is asked for", Type: "code"},
		},
	},
	{
		kind: includesKind, title: "Includes", identifier: "Includes", typ: true,
		description: "Goes on with the included resources of a page of a search that did not fit beside its matches. It is invoked with GET by following the link 'related' of the page, and takes the parameters of the search.",
		parameters: []parameterDefinition{
			{Name: "includesCt", Use: "in", Min: 1, Max: "1", Documentation: "Where to go on, as the link has it", Type: "string"},
			{Name: "_includesCount", Use: "in", Min: 0, Max: "1", Documentation: "How many included resources the answer may have", Type: "integer"},
			{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "A searchset with the included resources; its link 'next' leads to more", Type: "Bundle"},
		},
	},
}

// describeUse is the entry of an operation in the CapabilityStatement.
func (s *Server) describeUse(o operation) restOperation {
	return restOperation{o.kind.code(), s.canonical(baseHole + "/OperationDefinition/" + o.kind.code())}
}

// operationDefinition is the part of the resource that is filled in here
// (https://hl7.org/fhir/R4/operationdefinition.html).
type operationDefinition struct {
	ResourceType string                `json:"resourceType"`
	ID           string                `json:"id"`
	URL          string                `json:"url"`
	Version      string                `json:"version"`
	Name         string                `json:"name"`
	Title        string                `json:"title,omitempty"` // not in STU3
	Status       string                `json:"status"`
	Kind         string                `json:"kind"`
	Experimental bool                  `json:"experimental"`
	Description  string                `json:"description"`
	AffectsState *bool                 `json:"affectsState,omitempty"` // not in STU3
	Idempotent   *bool                 `json:"idempotent,omitempty"`   // STU3
	Code         string                `json:"code"`
	Resource     []string              `json:"resource,omitempty"`
	System       bool                  `json:"system"`
	Type         bool                  `json:"type"`
	Instance     bool                  `json:"instance"`
	Parameter    []parameterDefinition `json:"parameter,omitempty"`
}

type parameterDefinition struct {
	Name          string `json:"name"`
	Use           string `json:"use"`
	Min           int    `json:"min"`
	Max           string `json:"max"`
	Documentation string `json:"documentation"`
	Type          string `json:"type"`
}

// describeOperations makes the OperationDefinitions.
func (s *Server) describeOperations() (map[string]templated, error) {
	all := make(map[string]templated, len(operations))
	for _, o := range operations {
		name := o.kind.code()
		definition := operationDefinition{
			ResourceType: "OperationDefinition",
			ID:           name,
			URL:          baseHole + "/OperationDefinition/" + name,
			Version:      s.options.SoftwareVersion,
			Name:         o.identifier,
			Title:        o.title,
			Status:       "active",
			Kind:         "operation",
			Description:  o.description,
			AffectsState: &o.changes,
			Code:         name,
			System:       o.system,
			Type:         o.typ,
			Instance:     !o.system && !o.typ,
			Parameter:    o.parameters,
		}
		if !o.system {
			definition.Resource = []string{"Resource"}
		}
		if s.fhir.Version() == definitions.STU3 {
			repeatable := true // both may be repeated without a further effect
			definition.Title, definition.AffectsState, definition.Idempotent = "", nil, &repeatable
		}
		t, err := newTemplated(definition)
		if err != nil {
			return nil, fmt.Errorf("describe the operation %s: %w", name, err)
		}
		all[name] = t
	}
	return all, nil
}
