package parameters

import (
	"encoding/binary"
	"encoding/json"

	"fhirlog/domain"
	"fhirlog/domain/registry"
)

// header is what a registry has once.
type header struct {
	Through uint64 `json:"through"`
	Last    uint32 `json:"last"`
}

// number is a registry.Number in a row.
type number struct {
	Number     uint32          `json:"number"`
	ID         string          `json:"id"`
	From       uint64          `json:"from"`
	Until      *uint64         `json:"until,omitempty"`
	End        registry.Status `json:"end,omitempty"`
	Complete   bool            `json:"complete,omitempty"`
	Fault      string          `json:"fault,omitempty"`
	Definition json.RawMessage `json:"definition"`
}

// resource is a registry.Resource in a row.
type resource struct {
	Number     uint32          `json:"number,omitempty"`
	Switched   registry.Status `json:"switched,omitempty"`
	Definition json.RawMessage `json:"definition"`
}

// encode gives the rows of a registry by their keys without the family.
func encode(r *registry.Registry) (map[string]string, error) {
	rows := map[string]string{}
	put := func(key []byte, value any) error {
		text, err := json.Marshal(value)
		rows[string(key)] = string(text)
		return err
	}
	if r.Through == 0 {
		return rows, nil
	}
	if err := put([]byte{headerRow}, header{r.Through, r.Last}); err != nil {
		return nil, err
	}
	for _, n := range r.Numbers {
		definition, err := registry.AppendDefinition(nil, &n.Definition)
		if err != nil {
			return nil, err
		}
		row := number{n.Number, string(n.ID), n.From, nil, n.End, n.Complete, n.Fault, definition}
		if n.Until != registry.InForce {
			row.Until = &n.Until
		}
		if err := put(binary.BigEndian.AppendUint32([]byte{numberRow}, n.Number), row); err != nil {
			return nil, err
		}
	}
	for id, at := range r.Resources {
		definition, err := registry.AppendDefinition(nil, &at.Definition)
		if err != nil {
			return nil, err
		}
		if err := put(append([]byte{resourceRow}, id...), resource{at.Number, at.Switched, definition}); err != nil {
			return nil, err
		}
	}
	if len(r.Gone) > 0 {
		if err := put([]byte{goneRow}, r.Gone); err != nil {
			return nil, err
		}
	}
	for url, status := range r.Standard {
		rows[string(standardRow)+url] = string(status)
	}
	for _, j := range r.Jobs {
		if err := put(binary.BigEndian.AppendUint64([]byte{jobRow}, j.Began), j); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func decodeNumber(text []byte) (*registry.Number, error) {
	var row number
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, err
	}
	definition, err := registry.ParseStored(row.Definition)
	n := &registry.Number{
		Number: row.Number, ID: domain.LogicalID(row.ID), Definition: definition,
		From: row.From, Until: registry.InForce, End: row.End, Complete: row.Complete, Fault: row.Fault,
	}
	if row.Until != nil {
		n.Until = *row.Until
	}
	return n, err
}

func decodeResource(text []byte) (*registry.Resource, error) {
	var row resource
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, err
	}
	definition, err := registry.ParseStored(row.Definition)
	return &registry.Resource{Definition: definition, Number: row.Number, Switched: row.Switched}, err
}
