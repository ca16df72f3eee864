package tables

// The functions of this file are the layout of the items: the order of the
// calls is the order of the fields in the file. A change needs a new format
// version in file.go.

func codeType(c *coder, t *Type) {
	c.text(&t.Name)
	enum(c, &t.Kind, Resource)
	c.flags(&t.Abstract, &t.Profile)
	c.text(&t.Base)
	enum(c, &t.JSON, JSONBoolean)
	c.text(&t.Regex)
	listIn(c, &t.Elements, &c.elements, codeElement)
}

func codeElement(c *coder, e *Element) {
	c.text(&e.Name)
	c.number(&e.Min)
	c.bound(&e.Max)
	c.flags(&e.Choice, &e.Summary, &e.Modifier, &e.Backbone)
	c.types.code(c, &e.Types, codeTypeRefs)
	c.text(&e.ContentReference)
	c.text(&e.Representation)
	c.bindings.code(c, &e.Binding, codeBinding)
}

func codeTypeRefs(c *coder, refs *[]TypeRef) { list(c, refs, codeTypeRef) }

// codeBinding codes the absence of a binding as the strength Unbound.
func codeBinding(c *coder, b **Binding) {
	var made Binding
	if *b != nil {
		made = **b
	}
	enum(c, &made.Strength, Required)
	if made.Strength == Unbound {
		return
	}
	c.text(&made.ValueSet)
	c.text(&made.MaxValueSet)
	*b = &made
}

func codeTypeRef(c *coder, t *TypeRef) {
	c.text(&t.Code)
	texts(c, &t.Targets)
	texts(c, &t.Profiles)
}

func codeValueSet(c *coder, v *ValueSet) {
	c.text(&v.URL)
	c.flags(&v.Open)
	list(c, &v.Groups, codeCodeGroup)
}

func codeCodeGroup(c *coder, g *CodeGroup) {
	c.text(&g.System)
	texts(c, &g.Codes)
}

func codeSearchParameter(c *coder, p *SearchParameter) {
	c.text(&p.URL)
	c.text(&p.Code)
	c.text(&p.Type)
	texts(c, &p.Base)
	c.text(&p.Expression)
	texts(c, &p.Targets)
	list(c, &p.Components, func(c *coder, part *Component) {
		c.text(&part.Definition)
		c.text(&part.Expression)
	})
	texts(c, &p.Comparator)
	texts(c, &p.Modifier)
	c.text(&p.Mode)
	c.flags(&p.SingleOr, &p.SingleAnd)
	c.text(&p.Status)
	c.text(&p.Constraint)
}

func codeCompartment(c *coder, m *Compartment) {
	c.text(&m.Code)
	c.text(&m.URL)
	list(c, &m.Resources, func(c *coder, r *CompartmentResource) {
		c.text(&r.Type)
		texts(c, &r.Parameters)
	})
}

func codeOperation(c *coder, o *Operation) {
	c.text(&o.URL)
	c.text(&o.Code)
	texts(c, &o.Resources)
	c.flags(&o.System, &o.Type, &o.Instance, &o.Affects, &o.Query)
	list(c, &o.Parameters, codeOperationParameter)
}

func codeOperationParameter(c *coder, p *OperationParameter) {
	c.text(&p.Name)
	c.flags(&p.Output)
	c.number(&p.Min)
	c.bound(&p.Max)
	c.text(&p.Type)
	c.text(&p.SearchType)
	texts(c, &p.Targets)
	list(c, &p.Parts, codeOperationParameter)
}

func codeInvariant(c *coder, i *Invariant) {
	c.text(&i.Path)
	c.text(&i.Key)
	c.flags(&i.Warning, &i.BestPractice)
	c.text(&i.Expression)
	c.text(&i.Human)
}
