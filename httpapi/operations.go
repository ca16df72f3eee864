package httpapi

import (
	"fmt"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
	"fhirlog/domain/registry"
)

// operation is one operation that this server offers, as /metadata and
// /OperationDefinition/{name} describe it.
type operation struct {
	kind        kind
	title       string
	identifier  string // a name for programs
	description string
	system      bool                // invoked on the service; else below it
	typ         bool                // invoked on a type; else on a resource
	instance    bool                // invoked on a resource as well
	code        string              // how it is invoked, if not by the name of its kind
	only        domain.ResourceType // the only type it is for, if there is one
	changes     bool                // it changes what is stored
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
	{
		kind: reindexKind, title: "Reindex", identifier: "Reindex", system: true, changes: true,
		description: "Begins a job that indexes all resources, former versions included, by the search parameters that were defined since, and takes those out of the index that were deleted or disabled. It is invoked with POST; if a job is active, the answer is that one. GET shows the active job. The job itself is at /_operations/reindex/[id], as Content-Location says, where GET shows how far it is and DELETE cancels it.",
		parameters: []parameterDefinition{
			{Name: "queryDelayIntervalInMilliseconds", Use: "in", Min: 0, Max: "1", Documentation: "A pause after each block of some thousand resources", Type: "integer"},
			{Name: "maximumNumberOfResourcesPerQuery", Use: "in", Min: 0, Max: "1", Documentation: "Accepted and told back; the blocks of the index are what is read at once", Type: "integer"},
			{Name: "maximumNumberOfResourcesPerWrite", Use: "in", Min: 0, Max: "1", Documentation: "Accepted and told back", Type: "integer"},
			{Name: "targetResourceTypes", Use: "in", Min: 0, Max: "1", Documentation: "Names of types, separated by commas: only search parameters of these are completed", Type: "string"},
			{Name: "targetSearchParameterTypes", Use: "in", Min: 0, Max: "1", Documentation: "Types such as string or token, separated by commas: only search parameters of these types are completed", Type: "string"},
			{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "The job: its id, status, progress in percent, instants and counts", Type: "Parameters"},
		},
	},
	{
		kind: rebuildKind, title: "Rebuild", identifier: "Rebuild", system: true,
		description: "Computes all that reads and searches need anew from the log, beside what answers meanwhile, and then lets the new take the place of the old without a pause. It changes no answer, and is for an index that is damaged or has grown. It is invoked with POST; if a rebuild is active, the answer is that one. GET shows the active rebuild. The rebuild itself is at /_operations/rebuild/[id], as Content-Location says, where GET shows how far it is and DELETE cancels it. It is not on the log: a restart of the server ends and forgets it. While a rebuild is active no reindex job can begin, nor the reverse.",
		parameters: []parameterDefinition{
			{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "The rebuild: its id, status, progress in percent, instants, and how many records of the log are applied", Type: "Parameters"},
		},
	},
	{
		kind: compactKind, title: "Compact", identifier: "Compact", system: true,
		description: "Removes from the files of the server, for good, the content of versions that hard deletes and $purge-history have hidden, and of versions that were replaced where no history is kept. It changes no answer and no proof: that there was a version, its type, id and instant, and who erased it stay on the log, but for the id of what was hard deleted if that is to be erased too. It is invoked with POST; if a compaction is active, the answer is that one. GET shows the active one. The compaction itself is at /_operations/compact/[id], as Content-Location says, where GET shows how far it is and DELETE cancels it; what is erased by then stays so. It is not on the log; a restart of the server goes on with it. It ends with a rebuild of the index, for which a reindex job has to end first.",
		parameters: []parameterDefinition{
			{Name: "eraseIds", Use: "in", Min: 0, Max: "1", Documentation: "true: the ids of what was hard deleted go as well, from all that is left of its versions and of its erasure, and with them what could prove what these records were. The log says which records these are. A conflict while a compaction is active that leaves ids", Type: "boolean"},
			{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "The compaction: its id, status, progress in percent, instants, how many versions and ids were erased and by how much that made the log smaller", Type: "Parameters"},
		},
	},
	{
		kind: indexValuesKind, title: "Index values of a resource", identifier: "ResourceReindex", code: "reindex",
		description: "Tells by which search parameters and values a resource is found. It is invoked with GET, or with POST, which needs to do no more: the index has the values of a resource since it was stored.",
		parameters: []parameterDefinition{
			{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "One parameter for each value, named by the code of the search parameter", Type: "Parameters"},
		},
	},
	{
		kind: statusKind, title: "States of search parameters", identifier: "SearchParameterStatus", code: "status", typ: true, only: registry.SearchParameter, changes: true,
		description: "GET, or POST of a form, tells the states of search parameters: Supported, Enabled, PendingDelete, PendingHardDelete, Deleted, PendingDisable, Disabled or Unsupported. PUT of Parameters in the form of the answer switches them: to Disabled, or to Supported. Both take full effect with the next reindex.",
		parameters: []parameterDefinition{
			{Name: "url", Use: "in", Min: 0, Max: "1", Documentation: "URLs of search parameters, separated by commas", Type: "string"},
			{Name: "code", Use: "in", Min: 0, Max: "1", Documentation: "Codes of search parameters, separated by commas", Type: "string"},
			{Name: "resourcetype", Use: "in", Min: 0, Max: "1", Documentation: "Names of types, separated by commas", Type: "string"},
			{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "A searchParameterStatus with the parts url and status for each search parameter; for PUT a batch-response with what was accepted and what was refused", Type: "Parameters"},
		},
	},
	{
		kind: fhirpathKind, title: "Evaluate FHIRPath", identifier: "FHIRPath", system: true,
		description: "Evaluates an expression of FHIRPath on a resource, and stores nothing. It is invoked with POST of Parameters, which have the form that the FHIRPath Lab gives them. Nothing outside this server is read; resolve() reads what is stored here.",
		parameters:  append(fhirpathParameters[:len(fhirpathParameters):len(fhirpathParameters)], fhirpathResource, fhirpathResult),
	},
	{
		kind: fhirpathInstanceKind, title: "Evaluate FHIRPath on a stored resource", identifier: "ResourceFHIRPath", code: "fhirpath",
		description: "Evaluates an expression of FHIRPath on the resource in the path. It is invoked with GET and the parameters expression and context in the URL, or with POST of Parameters. _asOf asks for the answer as of a moment in the past.",
		parameters:  append(fhirpathParameters[:len(fhirpathParameters):len(fhirpathParameters)], fhirpathResult),
	},
	{
		kind: validateKind, title: "Validate", identifier: "Validate", typ: true, instance: true, parameters: validateParameters,
		description: "Tells what is wrong with a resource, and stores nothing. It is invoked with POST of the resource or of Parameters; in the path of a resource also with GET and the parameters mode and profile in the URL, which validates what is stored there.",
	},
}

// invokedAs is the code of the operation, as in $code.
func (o *operation) invokedAs() string {
	if o.code != "" {
		return o.code
	}
	return o.kind.code()
}

// describeUse is the entry of an operation in the CapabilityStatement.
func (s *Server) describeUse(o operation) restOperation {
	return restOperation{o.invokedAs(), s.canonical(baseHole + "/OperationDefinition/" + o.kind.code())}
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
			Code:         o.invokedAs(),
			System:       o.system,
			Type:         o.typ,
			Instance:     o.instance || !o.system && !o.typ,
			Parameter:    o.parameters,
		}
		if !o.system {
			definition.Resource = []string{"Resource"}
		}
		if o.only != "" {
			definition.Resource = []string{string(o.only)}
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
