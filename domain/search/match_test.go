package search

import (
	"strings"
	"testing"
)

// The tables follow https://hl7.org/fhir/R4/search.html, type by type.

func TestMatchStrings(t *testing.T) {
	runMatches(t, `{"resourceType":"Patient","name":[{"family":"Müller-Lüdenscheidt","given":["Ève","Anne Marie"],"text":"Prof. Dr. Ève Müller"}],
		"address":[{"city":"Zürich","line":["Straße 5, rear"]}]}`, `
		y Patient?name=Müller
		y Patient?name=muller
		y Patient?name=MULLER-L
		y Patient?name=eve
		y Patient?given=anne%20%20m
		n Patient?given=marie
		n Patient?family=eve
		y Patient?name=prof
		y Patient?family:contains=dens
		y Patient?family:contains=LÜDEN
		n Patient?family:contains=eve
		y Patient?family:exact=Müller-Lüdenscheidt
		n Patient?family:exact=Müller
		n Patient?family:exact=müller-lüdenscheidt
		y Patient?address=strasse
		y Patient?address=Straße%205\,%20r
		n Patient?address=Straße%206,rear
		y Patient?address=nowhere,zurich
		y Patient?given:text=marie
		y Patient?name:missing=false
		n Patient?name:missing=true
		y Patient?phone:missing=true
		y Patient?name=eve&address-city=zu
		n Patient?name=eve&address-city=bern`)
}

func TestMatchLongStrings(t *testing.T) {
	long := strings.Repeat("Äbc ", 200) + "End"
	resource := `{"resourceType":"Patient","name":[{"family":"` + long + `","given":["` + long[:700] + `X"]}]}`
	at := func(n int) string { return strings.ReplaceAll(long[:n], " ", "%20") }
	runMatches(t, resource, `
		y Patient?family=`+at(100)+`
		y Patient?family=`+at(len(long))+`
		n Patient?given=`+at(len(long))+`
		n Patient?family=`+at(len(long)-3)+`x
		y Patient?family:exact=`+at(len(long))+`
		n Patient?family:exact=`+at(len(long)-1)+`
		y Patient?family:contains=c%20end
		n Patient?given:contains=end
		y Patient?given:contains=c%20x
		n Patient?family:contains=zzz
		y Patient?_filter=family%20ew%20end
		n Patient?_filter=given%20ew%20end
		y Patient?_filter=family%20eq%20"`+at(len(long))+`"
		n Patient?_filter=family%20eq%20"`+at(len(long)-1)+`"
		y Patient?family:text=`+at(90)+`
		n Patient?family:text=`+at(90)+`zz`)
}

func TestMatchTokens(t *testing.T) {
	runMatches(t, `{"resourceType":"Observation","status":"final","language":"de-CH",
		"identifier":[{"system":"http://acme.org","value":"A1","type":{"coding":[{"system":"http://t","code":"MR"}],"text":"Medical Record"}},{"value":"bare"}],
		"code":{"coding":[{"system":"http://loinc.org","code":"LP123-4","display":"Systolic blood pressure"},{"system":"http://acme.org/codes","code":"Sys"}],"text":"BP (lying)"},
		"valueCodeableConcept":{"coding":[{"code":"none"}]},"meta":{"tag":[{"system":"urn:t","code":"x"}]}}`, `
		y Observation?code=lp123-4
		y Observation?code=LP123-4
		y Observation?code=http://loinc.org|Lp123-4
		n Observation?code=http://acme.org/codes|lp123-4
		y Observation?code=Sys
		n Observation?code=sys
		n Observation?code=http://acme.org/codes|sys
		y Observation?code=http://acme.org/codes|
		n Observation?code=http://acme.org|
		n Observation?code=|Sys
		y Observation?value-concept=|none
		y Observation?value-concept=none
		n Observation?value-concept=http://x|none
		y Observation?status=final
		y Observation?status=|final
		y Observation?status=http://hl7.org/fhir/observation-status|final
		y Observation?status:not=preliminary
		n Observation?status:not=preliminary,final
		y Observation?category:not=vital-signs
		y Observation?code:text=blood
		y Observation?code:text=Blood%20Press
		n Observation?code:text=lood
		y Observation?code:text=(lying
		y Observation?identifier=http://acme.org|A1
		y Observation?identifier=A1,zz
		n Observation?identifier=a1
		y Observation?identifier=|bare
		n Observation?identifier=|A1
		y Observation?identifier:of-type=http://t|MR|A1
		n Observation?identifier:of-type=http://t|MR|bare
		n Observation?identifier:of-type=http://t|SS|A1
		y Observation?identifier:text=record
		y Observation?_tag=urn:t|x
		n Observation?_tag=urn:t|y
		y Observation?_tag=urn:t|`)
	runMatches(t, `{"resourceType":"Patient","active":true,"deceasedBoolean":false,"telecom":[{"system":"phone","value":"+41 44"}]}`, `
		y Patient?active=true
		n Patient?active=false
		y Patient?deceased=false
		y Patient?phone=+41%2044
		n Patient?email=+41%2044
		y Patient?telecom=+41%2044`)
}

func TestMatchReferences(t *testing.T) {
	runMatches(t, `{"resourceType":"Observation","subject":{"reference":"Patient/1","display":"Peter Chalmers"},
		"encounter":{"reference":"http://here/fhir/Encounter/e/_history/3"},
		"performer":[{"reference":"http://else/fhir/Practitioner/p"},{"identifier":{"system":"http://ids","value":"77"}},{"reference":"loose"},{"reference":"urn:uuid:1-2"}]}`, `
		y Observation?subject=Patient/1
		y Observation?subject=1
		n Observation?subject=Group/1
		n Observation?subject=patient/1
		y Observation?patient=1
		y Observation?patient=Patient/1
		n Observation?patient=Group/1
		y Observation?subject:Patient=1
		n Observation?subject:Group=1
		y Observation?subject=http://here/fhir/Patient/1
		n Observation?subject=http://else/fhir/Patient/1
		n Observation?subject=Patient/1/_history/1
		y Observation?encounter=Encounter/e
		y Observation?encounter=e
		y Observation?encounter=http://here/fhir/Encounter/e
		y Observation?encounter=Encounter/e/_history/3
		n Observation?encounter=Encounter/e/_history/2
		y Observation?performer=http://else/fhir/Practitioner/p
		n Observation?performer=Practitioner/p
		n Observation?performer=p
		y Observation?performer=loose
		n Observation?performer=Practitioner/loose
		y Observation?performer=urn:uuid:1-2
		y Observation?performer:identifier=http://ids|77
		y Observation?performer:identifier=77
		n Observation?performer:identifier=|77
		y Observation?performer:identifier=http://ids|
		y Observation?subject:text=chalm
		y Observation?patient:missing=false
		y Observation?device:missing=true
		y Patient/1/Observation?
		n Patient/2/Observation?
		n Device/1/Observation?
		y Encounter/e/Observation?`)
	runMatches(t, `{"resourceType":"Observation","subject":{"reference":"Group/1"}}`, `
		y Observation?subject=1
		n Observation?patient=1
		n Observation?patient=Patient/1
		y Observation?patient:missing=true`)
	runMatches(t, `{"resourceType":"Patient","id":"me","managingOrganization":{"reference":"5"},"link":[{"other":{"reference":"Patient/6"}}]}`, `
		y Patient?organization=5
		y Patient?organization=Organization/5
		n Patient?organization=Organization/6
		y Patient/6/Patient?
		n Patient/me/Patient?`)
	runMatches(t, `{"resourceType":"Practitioner","id":"me"}`, `
		y Practitioner/me/Practitioner?
		n Practitioner/you/Practitioner?
		n Patient/me/Practitioner?
		y Practitioner?_id=you,me
		n Practitioner?_id:not=you,me
		y Practitioner?_id:not=you
		n Practitioner?_id=Me`)
	runMatches(t, `{"resourceType":"Measure","relatedArtifact":[{"type":"depends-on","resource":"http://x/Library/a|2.0"}]}`, `
		y Measure?depends-on=http://x/Library/a
		y Measure?depends-on=http://x/Library/a|2.0
		n Measure?depends-on=http://x/Library/a|1.0
		n Measure?depends-on=http://x/Library`)
}

func TestMatchURIs(t *testing.T) {
	runMatches(t, `{"resourceType":"ValueSet","url":"http://acme.org/fhir/ValueSet/123","meta":{"profile":["http://p/one|1.2#top","http://p/two"]}}`, `
		y ValueSet?url=http://acme.org/fhir/ValueSet/123
		n ValueSet?url=http://acme.org/fhir/ValueSet/123/
		n ValueSet?url=http://acme.org/fhir/valueset/123
		y ValueSet?url:below=http://acme.org/fhir
		y ValueSet?url:below=http://acme.org/fhir/ValueSet/123
		n ValueSet?url:below=http://acme.org/fhir/ValueSet/123/a
		y ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5
		y ValueSet?url:above=http://acme.org/fhir/ValueSet/123
		n ValueSet?url:above=http://acme.org/fhir/ValueSet/12
		y ValueSet?_profile=http://p/one
		y ValueSet?_profile=http://p/one|1.2
		y ValueSet?_profile=http://p/one|1.2%23top
		n ValueSet?_profile=http://p/one|1.3
		n ValueSet?_profile=http://p/two|1.2
		y ValueSet?_profile:below=http://p/
		y ValueSet?_profile:above=http://p/two/three`)
	long := "http://long/" + strings.Repeat("abcdefghij", 80)
	runMatches(t, `{"resourceType":"ValueSet","url":"`+long+`","meta":{"profile":["`+long+`x|1"]}}`, `
		y ValueSet?url=`+long+`
		n ValueSet?url=`+long+`a
		y ValueSet?url:below=`+long[:50]+`
		n ValueSet?url:below=`+long[:50]+`x
		y ValueSet?url:below=`+long[:700]+`
		y ValueSet?url:above=`+long+`/1
		y ValueSet?_profile:below=`+long+`
		y ValueSet?_profile=`+long+`x|1
		y ValueSet?_filter=url%20ew%20j
		n ValueSet?_filter=url%20ew%20x`)
	runMatches(t, `{"resourceType":"ValueSet","url":"urn:oid:1.2.3"}`, `
		y ValueSet?url=urn:oid:1.2.3
		n ValueSet?url:below=u
		n ValueSet?url:below=urn`)
}

func TestMatchWords(t *testing.T) {
	runMatches(t, `{"resourceType":"Observation","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Bone <b>metastases</b> &amp; X-ray</div>"},
		"code":{"text":"Heart attack, severe"},"note":[{"text":"No liver failure."}],"valueString":"attack of the heart"}`, `
		y Observation?_text=bone
		y Observation?_text=METAST*
		n Observation?_text=metast
		n Observation?_text=heart
		y Observation?_text=(bone%20OR%20liver)%20and%20metastases
		n Observation?_text=(bone%20or%20liver)%20and%20attack
		y Observation?_text=x-ray
		y Observation?_text="bone%20metastases"
		n Observation?_text="metastases%20bone"
		y Observation?_text=bone%20not%20liver
		n Observation?_text=bone%20not%20x-ray
		y Observation?_content=liver%20metastases
		y Observation?_content="heart%20attack"
		y Observation?_content="attack%20of%20the%20heart"
		n Observation?_content="severe%20no%20liver"
		n Observation?_content="attack%20heart"
		y Observation?_content=nothing,failure
		n Observation?_content=generated`)
}
