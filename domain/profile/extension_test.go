package profile

import (
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/definitions"
)

func resourceType(name string) domain.ResourceType { return domain.ResourceType(name) }

func TestExtensions(t *testing.T) {
	anywhere := `"context":[{"type":"element","expression":"Element"}]`
	integer := []string{"Extension.value[x]", `"min":1,"type":[{"code":"integer"}]`}
	complexOne := extensionOf("both", anywhere,
		"Extension.extension:a", `"min":1,"max":"1"`, "Extension.extension:a.url", `"fixedUri":"a"`, "Extension.extension:a.value[x]", `"min":1,"type":[{"code":"string"}]`,
		"Extension.extension:b", `"max":"1"`, "Extension.extension:b.url", `"fixedUri":"b"`,
		"Extension.url", `"fixedUri":"`+here+`both"`, "Extension.value[x]", `"max":"0"`)
	va, _ := newValidator(t, definitions.R4,
		extensionOf("age", anywhere, integer...), complexOne,
		extensionOf("patients", `"context":[{"type":"element","expression":"Patient"}]`, integer...),
		extensionOf("names", `"context":[{"type":"element","expression":"HumanName.family"}]`, integer...),
		extensionOf("name", `"context":[{"type":"element","expression":"Patient.name"},{"type":"element","expression":"Address"}]`, integer...),
		extensionOf("within", `"context":[{"type":"extension","expression":"`+here+`both"}]`, integer...),
		extensionOf("path", `"context":[{"type":"fhirpath","expression":"Patient.name.where(use='official')"}]`, integer...),
		extensionOf("value", `"context":[{"type":"element","expression":"Observation.value[x]"}]`, integer...),
		extensionOf("rule", anywhere+`,"contextInvariant":["active.exists()"]`, integer...),
		constrain("p", "Patient", "Patient"))
	x := func(name, value string) string { return `{"url":"` + here + name + `",` + value + `}` }
	one := `"valueInteger":1`
	notHere := func(at, name string) string {
		return "error extension " + at + ": The extension " + here + name + " may not stand here; its definition lets it stand at "
	}
	for name, c := range map[string]instance{
		"of the right type":       {patient(`"extension":[` + x("age", one) + `]`), nil},
		"of a wrong type":         {patient(`"extension":[` + x("age", `"valueString":"x"`) + `]`), some("error structure Patient.extension[0].value: *integer, not string")},
		"without value":           {patient(`"extension":[` + x("age", `"id":"a"`) + `]`), some("error required Patient.extension[0].value: ")},
		"on a primitive":          {patient(`"birthDate":"2000","_birthDate":{"extension":[` + x("age", `"id":"a"`) + `]}`), some("error required Patient.birthDate.extension[0].value: ")},
		"on one of many":          {patient(`"name":[{"given":["a","b"],"_given":[null,{"extension":[` + x("age", `"id":"a"`) + `]}]}]`), some("error required Patient.name[0].given[1].extension[0].value: ")},
		"with parts":              {patient(`"extension":[` + x("both", `"extension":[{"url":"b"},{"url":"a","valueString":"x"}]`) + `]`), nil},
		"a part is missing":       {patient(`"extension":[` + x("both", `"extension":[{"url":"b"}]`) + `]`), some("error required Patient.extension[0].extension: *the slice a of extension")},
		"a part is wrong":         {patient(`"extension":[` + x("both", `"extension":[{"url":"a","valueInteger":1}]`) + `]`), some("error structure Patient.extension[0].extension[0].value: ")},
		"not known":               {patient(`"extension":[{"url":"http://b.example/x","valueInteger":1}]`), nil},
		"a modifier, not known":   {patient(`"modifierExtension":[{"url":"http://b.example/x","valueInteger":1}]`), some("warning extension Patient.modifierExtension[0]: The definition of the modifier extension http://b.example/x is not known here")},
		"the URL of a profile":    {patient(`"extension":[` + x("p", one) + `]`), some("error extension Patient.extension[0]: *is that of a profile for Patient")},
		"at its resource":         {patient(`"extension":[` + x("patients", one) + `]`), nil},
		"at another resource":     {resourceOf("Group", `"extension":[`+x("patients", one)+`]`), some(notHere("Group.extension[0]", "patients") + "Patient.")},
		"at an element":           {patient(`"name":[{"extension":[` + x("name", one) + `]}]`), nil},
		"at a type":               {patient(`"address":[{"extension":[` + x("name", one) + `]}]`), nil},
		"at another element":      {patient(`"contact":[{"name":{"extension":[` + x("name", one) + `]}}]`), some(notHere("Patient.contact[0].name.extension[0]", "name") + "Patient.name, Address.")},
		"at an element of a type": {patient(`"contact":[{"name":{"family":"a","_family":{"extension":[` + x("names", one) + `]}}}]`), nil},
		"at another of the type":  {patient(`"name":[{"text":"a","_text":{"extension":[` + x("names", one) + `]}}]`), some(notHere("Patient.name[0].text.extension[0]", "names") + "HumanName.family.")},
		"within an extension":     {patient(`"extension":[` + x("both", `"extension":[{"url":"a","valueString":"x"},`+x("within", one)+`]`) + `]`), nil},
		"outside of it":           {patient(`"extension":[` + x("within", one) + `]`), some(notHere("Patient.extension[0]", "within") + "the extension " + here + "both.")},
		"where a path leads":      {patient(`"name":[{"use":"official","extension":[` + x("path", one) + `]}]`), nil},
		"where it does not":       {patient(`"name":[{"use":"old","extension":[` + x("path", one) + `]}]`), some(notHere("Patient.name[0].extension[0]", "path"))},
		"at a choice":             {observation(`"valueQuantity":{"extension":[` + x("value", one) + `]}`), nil},
		"its condition holds":     {patient(`"active":true,"extension":[` + x("rule", one) + `]`), nil},
		"its condition does not":  {patient(`"extension":[` + x("rule", one) + `]`), some("error invariant Patient.extension[0]: The rule contextInvariant ")},
	} {
		t.Run(name, func(t *testing.T) { expect(t, va, c.resource, nil, c.want...) })
	}
}
