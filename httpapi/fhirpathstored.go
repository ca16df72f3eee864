package httpapi

import (
	"context"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
	"fhirlog/domain/resource"
)

// What resolve() may read for one evaluation.
const (
	mostResolved      = 100
	mostResolvedBytes = 16 << 20
)

// readStored makes a resource that is stored here the one to evaluate on.
func (e *evaluation) readStored(ctx context.Context, reference, at string) error {
	link, ok := e.s.ownLink(e.r.base, reference)
	if !ok {
		return invalid("The resource must be one that is stored here, such as Patient/1; nothing is fetched from elsewhere.", at)
	}
	version, err := e.readVersion(ctx, link)
	if err != nil {
		return err
	}
	if err := e.r.hold(ctx, len(version.Body)); err != nil {
		return err
	}
	root, err := e.parseVersion(ctx, &version)
	e.resource, e.stored = fhirpath.NewResource(e.s.fhir, root), reference
	return err
}

// reserve takes room in the budget for what is parsed; an entry of a Bundle shares
// what its Bundle took.
func (e *evaluation) reserve(ctx context.Context, bytes int64) error {
	if e.r.memory == nil {
		return nil
	}
	return e.r.memory.growBy(ctx, bytes)
}

// link names a resource that may be stored here, or a version of it.
type link struct {
	rules   *typeRules
	id      domain.LogicalID
	version domain.VersionID // 0 for the current one
}

// ownLink reads a reference such as Patient/1, Patient/1/_history/2, or either of
// them below the URL of this service.
func (s *Server) ownLink(base, reference string) (l link, ok bool) {
	parts := strings.Split(strings.TrimPrefix(reference, base+"/"), "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history") {
		return link{}, false
	}
	var err error
	if l.rules = s.types[parts[0]]; l.rules == nil {
		return link{}, false
	}
	if l.id, err = domain.ParseLogicalID(parts[1]); err != nil {
		return link{}, false
	}
	if len(parts) == 4 {
		if l.version, err = domain.ParseVersionID(parts[3]); err != nil {
			return link{}, false
		}
	}
	return l, true
}

// readVersion reads what a link names, as a read or vread would.
func (e *evaluation) readVersion(ctx context.Context, l link) (resource.Version, error) {
	needed := readKind
	if l.version != 0 {
		needed = vreadKind
	}
	if !l.rules.offers(needed) || l.version != 0 && !l.rules.history {
		return resource.Version{}, e.s.notAllowed(e.r.place, l.rules, "forbidden", "The interaction "+needed.code()+" is switched off here for "+string(l.rules.name)+".")
	}
	snapshot, past, err := e.s.asOf(e.r.query)
	switch {
	case err != nil:
		return resource.Version{}, err
	case l.version == 0 && past:
		return e.s.searcher.ReadAsOf(ctx, l.rules.name, l.id, snapshot)
	case l.version == 0:
		return e.s.reader.Read(ctx, l.rules.name, l.id)
	}
	version, err := e.s.reader.ReadVersion(ctx, l.rules.name, l.id, l.version)
	if err == nil && (version.Deleted || past && version.Position >= snapshot) {
		err = domain.NewError(domain.NotFound, "There is no such version that has a content.")
	}
	return version, err
}

func (e *evaluation) parseVersion(ctx context.Context, version *resource.Version) (fhirjson.Value, error) {
	text := version.AppendJSON(nil)
	if err := e.reserve(ctx, treeBytes(text)); err != nil {
		return fhirjson.Value{}, err
	}
	document, err := fhirjson.Parse(text, fhirjson.Limits{})
	if err != nil {
		return fhirjson.Value{}, err // it was parsed when it was stored
	}
	return document.Root(), nil
}

// resolver reads stored resources for resolve().
type resolver struct {
	e     *evaluation
	seen  map[string]resolved
	bytes int
}

type resolved struct {
	root fhirjson.Value
	err  error
}

// resolve is the function that a fhirpath.Context takes. What is not stored here
// is absent.
func (v *resolver) resolve(ctx context.Context) func(reference string) (fhirjson.Value, error) {
	return func(reference string) (fhirjson.Value, error) {
		l, ok := v.e.s.ownLink(v.e.r.base, reference)
		if !ok {
			return fhirjson.Value{}, nil
		}
		if known, ok := v.seen[reference]; ok {
			return known.root, known.err
		}
		if len(v.seen) == mostResolved || v.bytes > mostResolvedBytes {
			return fhirjson.Value{}, domain.NewError(domain.TooCostly, "resolve() may read 100 resources, and 16 MiB of them, for one evaluation.")
		}
		root, err := v.read(ctx, l)
		v.seen[reference] = resolved{root, err}
		return root, err
	}
}

func (v *resolver) read(ctx context.Context, l link) (fhirjson.Value, error) {
	version, err := v.e.readVersion(ctx, l)
	switch domain.KindOf(err) {
	case domain.NotFound, domain.Deleted, domain.MethodNotAllowed:
		return fhirjson.Value{}, nil
	}
	if err != nil {
		return fhirjson.Value{}, err
	}
	v.bytes += len(version.Body)
	return v.e.parseVersion(ctx, &version)
}
