package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/validate"
)

// validatePlaces are where resources are validated
// (https://hl7.org/fhir/R4/resource-operation-validate.html).
func (s *Server) validatePlaces() []place {
	takes := []string{"mode", "profile"}
	return []place{
		{template: "/{type}/$validate", calls: []call{
			{method: http.MethodPost, kind: validateKind, takes: takes, content: true, judges: true, answer: (*Server).validate},
		}},
		{template: "/{type}/{id}/$validate", calls: []call{
			{method: http.MethodPost, kind: validateKind, needs: readKind, takes: takes, content: true, optional: true, judges: true, answer: (*Server).validate},
			{method: http.MethodGet, kind: validateKind, needs: readKind, takes: takes, answer: (*Server).validate},
		}},
	}
}

// validateParameters are what both forms of the operation take and give, as their
// OperationDefinitions have it.
var validateParameters = []parameterDefinition{
	{Name: "resource", Use: "in", Min: 0, Max: "1", Documentation: "The resource to validate. In the path of a resource it may be left out: then the stored one is validated", Type: "Resource"},
	{Name: "mode", Use: "in", Min: 0, Max: "1", Documentation: "create, update, delete or profile: what the resource is to be good for, beside being valid", Type: "code"},
	{Name: "profile", Use: "in", Min: 0, Max: "1", Documentation: "A profile that the resource is to conform to", Type: "uri"},
	{Name: "return", Use: "out", Min: 1, Max: "1", Documentation: "What was found, or that all is well", Type: "OperationOutcome"},
}

// validation is one $validate at work.
type validation struct {
	s        *Server
	r        *request
	resource fhirjson.Value // absent if there is only an id
	stored   bool           // the resource is not from the request
	mode     string
	profile  string
}

// validate answers $validate. Whatever is wrong with the resource, also that it
// cannot be read, is the result and not a failure.
func (s *Server) validate(ctx context.Context, r *request) (response, error) {
	v := &validation{s: s, r: r, resource: r.content}
	if err := v.readParameters(); err != nil {
		return response{}, err
	}
	if r.unreadable != nil {
		failed := s.failure(r.requestID, r.unreadable)
		return v.result(failed.issues), nil
	}
	if r.id != "" {
		if err := v.readStored(ctx); err != nil {
			return response{}, err
		}
	}
	issues, err := v.judge(ctx)
	if err != nil {
		return response{}, err
	}
	return v.result(issues), nil
}

// readParameters reads mode, profile and resource: from the query, and from the
// body if that is a Parameters resource.
func (v *validation) readParameters() (err error) {
	given := map[string]string{}
	set := func(name, value, expression string) error {
		if before, twice := given[name]; twice && before != value {
			return invalid("The parameter "+name+" is given more than once.", expression)
		}
		given[name] = value
		return nil
	}
	for _, p := range v.r.query {
		if p.name == "mode" || p.name == "profile" {
			if err := set(p.name, p.value, ""); err != nil {
				return err
			}
		}
	}
	if v.r.content.Get("resourceType").String() == "Parameters" {
		v.resource = fhirjson.Value{}
		err = v.r.bodyParameters(func(name string, p fhirjson.Value, expression string) error {
			switch name {
			case "mode", "profile":
				return set(name, textIn(p), expression)
			case "resource":
				if v.resource.Exists() {
					return invalid("The parameter resource is given more than once.", expression)
				}
				if v.resource = p.Get("resource"); v.resource.Kind() != fhirjson.Object {
					return invalid("The parameter resource has no resource.", expression)
				}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	v.mode, v.profile = given["mode"], given["profile"]
	_, named := given["profile"]
	return v.checkParameters(named)
}

// checkParameters refuses what the operation does not take.
func (v *validation) checkParameters(profileNamed bool) error {
	s, instance := v.s, v.r.id != ""
	if profileNamed {
		if u, err := url.Parse(v.profile); err != nil || !u.IsAbs() || strings.ContainsAny(v.profile, " \t\n") {
			return invalid("profile must be the URL of a profile, such as http://hl7.org/fhir/StructureDefinition/bp.")
		}
		if s.profiles == nil {
			return notSupported("This server knows no profiles, so that none can be named: without the parameter profile, a resource is validated against the specification itself.")
		}
	}
	switch v.mode {
	case "", "create", "update", "delete":
	case "profile":
		if !profileNamed {
			return invalid("The mode profile needs the parameter profile.")
		}
	default:
		return invalid("mode must be create, update, delete or profile.")
	}
	switch {
	case v.mode == "delete" && !instance:
		return invalid("The mode delete is about a resource that is stored: it belongs to the path of one, /" + v.r.typ + "/[id]/$validate.")
	case v.mode == "create" && instance:
		return invalid("The mode create is about a resource that is not stored yet: it belongs to the path of a type, /" + v.r.typ + "/$validate.")
	case !instance && !v.resource.Exists() && v.r.unreadable == nil:
		return invalid("There is no resource to validate: the body is a resource, or Parameters with a parameter resource.")
	}
	return nil
}

// readStored reads the resource in the path, unless another one came with the
// request that does not need it.
func (v *validation) readStored(ctx context.Context) error {
	id, err := domain.ParseLogicalID(v.r.id)
	if err != nil {
		return neverExisted(v.r, err)
	}
	if v.resource.Exists() && v.mode != "delete" {
		return nil
	}
	version, err := v.s.reader.Read(ctx, v.r.resourceType(), id)
	if err != nil {
		return err
	}
	if v.mode == "delete" {
		v.resource = fhirjson.Value{}
		return nil
	}
	if err := v.r.hold(ctx, len(version.Body)); err != nil {
		return err
	}
	document, err := fhirjson.Parse(version.AppendJSON(nil), fhirjson.Limits{})
	if err != nil {
		return err
	}
	v.resource, v.stored = document.Root(), true
	return nil
}

// judge finds what is to be said of the resource.
func (v *validation) judge(ctx context.Context) ([]domain.Issue, error) {
	issues := v.judgeMode()
	if v.mode == "update" && !v.stored {
		missing, err := v.judgeExistence(ctx)
		if err != nil {
			return nil, err
		}
		issues = append(issues, missing...)
	}
	if !v.resource.Exists() {
		return issues, nil
	}
	issues = append(issues, v.s.validator.Check(v.resource, validate.Options{
		Expected: v.r.typ, Rules: validate.Fail, Recommendations: true, Bases: v.r.caller().Bases, Now: v.s.options.Clock(),
		Stopped: ctx.Err,
	})...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if v.s.profiles != nil && !hasUnknownType(issues) {
		var named []string
		if v.profile != "" {
			named = []string{v.profile}
		}
		found, err := v.s.profiles.Validate(ctx, v.resource, named)
		if err != nil {
			return nil, err
		}
		issues = append(issues, found...)
	}
	if v.stored {
		for i := range issues { // places in a text that the client has not sent
			issues[i].Line, issues[i].Column = 0, 0
		}
	}
	return issues, nil
}

// hasUnknownType tells whether the resource has no type, so that profiles have
// nothing to say.
func hasUnknownType(issues []domain.Issue) bool {
	return slices.ContainsFunc(issues, func(i domain.Issue) bool {
		return len(i.Expression) == 1 && i.Expression[0] == "Resource"
	})
}

// judgeMode says what would keep the resource from being created, updated or
// deleted here, beside its content.
func (v *validation) judgeMode() (issues []domain.Issue) {
	if needed := (map[string]kind{"create": createKind, "update": updateKind, "delete": deleteKind})[v.mode]; !v.r.rules.offers(needed) {
		issues = append(issues, domain.Issue{Code: "not-supported", Message: "The interaction " + v.mode + " is switched off here for " + v.r.typ + "."})
	}
	if !v.resource.Exists() || v.mode == "create" {
		return issues
	}
	id := v.resource.Get("id")
	wrong := ""
	switch {
	case v.mode == "update" && !id.Exists():
		wrong = "The resource has no id: what an update sends carries the id of what it updates."
	case v.r.id != "" && id.Exists() && string(id.Text()) != v.r.id:
		wrong = "The id of the resource is not the id in the path."
	}
	if wrong != "" {
		issue := domain.Issue{Code: "invalid", Message: wrong, Expression: []string{v.r.typ + ".id"}}
		place := id
		if !id.Exists() {
			place = v.resource
		}
		issue.Line, issue.Column = place.Document().Position(place.NameStart())
		issues = append(issues, issue)
	}
	return issues
}

// judgeExistence says whether there is something to update, where an update cannot
// create.
func (v *validation) judgeExistence(ctx context.Context) ([]domain.Issue, error) {
	name := v.r.id
	if name == "" {
		name = v.resource.Get("id").String()
	}
	id, err := domain.ParseLogicalID(name)
	if err != nil || v.r.rules.updateCreate {
		return nil, nil // a wrong id is a fault of the content
	}
	_, err = v.s.reader.Read(ctx, v.r.resourceType(), id)
	if domain.KindOf(err) != domain.NotFound {
		if domain.KindOf(err) == domain.Deleted {
			err = nil // an update brings it back
		}
		return nil, err
	}
	return []domain.Issue{{Code: "not-found", Message: "There is no " + v.r.typ + " with this id to update, and an update cannot create one here.", Expression: []string{v.r.typ + ".id"}}}, nil
}

// result makes the OperationOutcome of the answer.
func (v *validation) result(issues []domain.Issue) response {
	if len(issues) == 0 {
		issues = done("All OK")
	}
	answer := response{status: http.StatusOK, issues: issues, details: true}
	return response{status: http.StatusOK, fhir: v.s.appendOutcome(nil, v.r.requestID, &answer)}
}
