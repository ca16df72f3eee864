package main

import (
	"sort"
	"strings"

	"fhirlog/domain/definitions/tables"
)

// distilInvariants collects the rules that a structure itself defines.
func distilInvariants(s object) []tables.Invariant {
	name := s.text("id")
	var made []tables.Invariant
	for _, e := range s.object("snapshot").objects("element") {
		for _, c := range e.objects("constraint") {
			if !definedIn(name, c) {
				continue
			}
			made = append(made, tables.Invariant{
				Path:         e.text("path"),
				Key:          c.text("key"),
				Warning:      c.text("severity") == "warning",
				BestPractice: c.extension("elementdefinition-bestpractice") == "true",
				Expression:   c.text("expression"),
				Human:        c.text("human"),
			})
		}
	}
	return made
}

// definedIn tells a constraint's home from the structures that inherit it: the
// snapshots repeat ele-1 on every element and dom-* on every resource. STU3
// does not name the source, so the known keys decide.
func definedIn(name string, constraint object) bool {
	key := constraint.text("key")
	switch {
	case key == "ele-1":
		return name == "Element"
	case key == "ext-1":
		return name == "Extension"
	case strings.HasPrefix(key, "dom-"):
		return name == "DomainResource"
	}
	source := typeName(constraint.text("source"))
	return source == "" || source == name || strings.HasPrefix(source, name+".")
}

func distilSearchParameters(resources []object) []tables.SearchParameter {
	var made []tables.SearchParameter
	for _, o := range resources {
		if o.isExample() || len(o.texts("base")) == 0 {
			continue
		}
		p := tables.SearchParameter{
			URL:        o.text("url"),
			Code:       o.text("code"),
			Type:       o.text("type"),
			Base:       sorted(o.texts("base")),
			Expression: o.text("expression"),
			Targets:    sorted(o.texts("target")),
			Comparator: o.texts("comparator"),
			Modifier:   o.texts("modifier"),
			SingleOr:   o.isFalse("multipleOr"),
			SingleAnd:  o.isFalse("multipleAnd"),
			Status:     o.text("status"),
			Constraint: o.text("constraint"),
		}
		for _, member := range []string{"xpathUsage", "processingMode"} {
			if mode := o.text(member); mode != "" && mode != "normal" {
				p.Mode = mode
			}
		}
		for _, part := range o.objects("component") {
			definition := part.text("definition") + part.object("definition").text("reference") // STU3: a Reference
			p.Components = append(p.Components, tables.Component{Definition: definition, Expression: part.text("expression")})
		}
		made = append(made, p)
	}
	sort.SliceStable(made, func(i, j int) bool { return made[i].URL < made[j].URL })
	return made
}

func distilCompartments(resources []object) []tables.Compartment {
	var made []tables.Compartment
	for _, o := range resources {
		if o.isExample() {
			continue
		}
		c := tables.Compartment{Code: o.text("code"), URL: o.text("url")}
		for _, r := range o.objects("resource") {
			if parameters := r.texts("param"); len(parameters) > 0 {
				c.Resources = append(c.Resources, tables.CompartmentResource{Type: r.text("code"), Parameters: parameters})
			}
		}
		made = append(made, c)
	}
	sort.SliceStable(made, func(i, j int) bool { return made[i].Code < made[j].Code })
	return made
}

func distilOperations(resources []object) []tables.Operation {
	var made []tables.Operation
	for _, o := range resources {
		if o.isExample() {
			continue
		}
		made = append(made, tables.Operation{
			URL:        o.text("url"),
			Code:       o.text("code"),
			Resources:  o.texts("resource"),
			System:     o.flag("system"),
			Type:       o.flag("type"),
			Instance:   o.flag("instance"),
			Affects:    o.flag("affectsState") || o.isFalse("idempotent"), // STU3 says idempotent
			Query:      o.text("kind") == "query",
			Parameters: operationParameters(o.objects("parameter")),
		})
	}
	sort.SliceStable(made, func(i, j int) bool { return made[i].URL < made[j].URL })
	return made
}

func operationParameters(parameters []object) []tables.OperationParameter {
	var made []tables.OperationParameter
	for _, p := range parameters {
		q := tables.OperationParameter{
			Name:       p.text("name"),
			Output:     p.text("use") == "out",
			Min:        p.number("min"),
			Max:        bound(p.text("max")),
			Type:       p.text("type"),
			SearchType: p.text("searchType"),
			Parts:      operationParameters(p.objects("part")),
		}
		for _, url := range p.texts("targetProfile") {
			q.Targets = append(q.Targets, typeName(url))
		}
		made = append(made, q)
	}
	return made
}

func sorted(list []string) []string {
	sort.Strings(list)
	return list
}
