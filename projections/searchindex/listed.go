package searchindex

import (
	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/search"
)

// listed finds the items of a List, as the List is as of the snapshot.
func (e *evaluation) listed(t domain.ResourceType, l search.Listed) (result, error) {
	position, ok, err := e.source.Resolve("List", l.List, e.snapshot)
	if err != nil || !ok {
		return nil, err
	}
	g := newGatherer()
	err = e.source.Load(position, func(list fhirjson.Value) error {
		for item := list.Get("entry").First(); item.Exists(); item = item.Next() {
			if item.Get("deleted").Kind() == fhirjson.True {
				continue
			}
			of, id, ok := itemOf(item.Get("item"), l.Bases)
			if !ok || t != "" && of != t {
				continue
			}
			at, ok, err := e.source.Resolve(of, id, e.snapshot)
			if err != nil {
				return err
			}
			if ok {
				g.addPosition(at)
			}
		}
		return nil
	})
	return g.result(), err
}

// itemOf reads which resource of this server a Reference leads to.
func itemOf(item fhirjson.Value, bases []string) (domain.ResourceType, domain.LogicalID, bool) {
	id, typ, _, url, _, ok := search.ParseReference(item.Get("reference").String())
	if url != "" {
		t, id, ok := belowBase(search.Reference{Bases: bases}, url)
		return t, id, ok
	}
	if typ == "" {
		typ = item.Get("type").String()
	}
	return domain.ResourceType(typ), domain.LogicalID(id), ok && id != "" && typ != ""
}
