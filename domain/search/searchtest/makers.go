package searchtest

import "fhirlog/domain"

// makers fill resources, by type. The weight says how often a type is picked.
var makers = []struct {
	t      domain.ResourceType
	weight int
	fill   func(g *Generator, r object)
}{
	{"Patient", 8, patient},
	{"Observation", 12, observation},
	{"Encounter", 6, encounter},
	{"Practitioner", 3, practitioner},
	{"Organization", 3, organization},
	{"Location", 3, location},
	{"Condition", 4, condition},
	{"ServiceRequest", 3, serviceRequest},
	{"RiskAssessment", 2, riskAssessment},
	{"ChargeItem", 2, chargeItem},
	{"MolecularSequence", 2, molecularSequence},
	{"DocumentReference", 2, documentReference},
	{"Group", 2, group},
	{"List", 2, listResource},
	{"Measure", 3, measure},
	{"Medication", 2, medication},
	{"Provenance", 2, provenance},
	{"Basic", 1, basic},
	{"Questionnaire", 2, questionnaire},
	{"QuestionnaireResponse", 3, questionnaireResponse},
	{"PlanDefinition", 2, planDefinition},
}

func patient(g *Generator, r object) {
	g.set(r, "active", 6, func() any { return g.chance(2) })
	g.set(r, "name", 9, func() any { return list(g, 2, g.name) })
	g.set(r, "identifier", 7, func() any { return list(g, 2, g.identifier) })
	g.set(r, "gender", 8, func() any { return pick(g, "male", "female", "other", "unknown") })
	g.set(r, "birthDate", 8, func() any { return g.date() })
	g.set(r, "address", 6, func() any { return list(g, 2, g.address) })
	g.set(r, "telecom", 5, func() any { return list(g, 2, g.telecom) })
	g.set(r, "generalPractitioner", 5, func() any {
		return list(g, 2, func() object { return g.reference("Practitioner", "Organization") })
	})
	g.set(r, "managingOrganization", 5, func() any { return g.reference("Organization") })
	g.set(r, "link", 2, func() any { return []object{{"other": g.reference("Patient"), "type": "seealso"}} })
	switch g.rand.IntN(4) {
	case 0:
		r["deceasedBoolean"] = g.chance(2)
	case 1:
		r["deceasedDateTime"] = g.dateTime()
	}
	g.set(r, "communication", 3, func() any {
		return []object{{"language": object{"coding": []object{{"system": "urn:ietf:bcp:47", "code": pick(g, "de-DE", "DE-de", "fr")}}}}}
	})
}

func observation(g *Generator, r object) {
	r["status"] = pick(g, "final", "preliminary", "amended")
	r["code"] = g.concept()
	g.set(r, "category", 4, func() any { return list(g, 1, g.concept) })
	g.set(r, "subject", 9, func() any { return g.reference("Patient", "Patient", "Patient", "Group", "Location") })
	g.set(r, "encounter", 6, func() any { return g.reference("Encounter") })
	g.set(r, "performer", 5, func() any {
		return list(g, 2, func() object { return g.reference("Practitioner", "Organization", "Patient") })
	})
	g.set(r, "hasMember", 2, func() any { return list(g, 2, func() object { return g.reference("Observation") }) })
	switch g.rand.IntN(4) {
	case 0:
		r["effectiveDateTime"] = g.dateTime()
	case 1:
		r["effectivePeriod"] = g.period()
	case 2:
		r["effectiveTiming"] = g.timing()
	case 3:
		r["effectiveInstant"] = g.instant()
	}
	g.value(r, 8)
	g.set(r, "component", 4, func() any {
		return list(g, 3, func() object {
			c := object{"code": g.concept()}
			g.value(c, 9)
			return c
		})
	})
}

// value sets value[x].
func (g *Generator) value(r object, inTen int) {
	if g.rand.IntN(10) >= inTen {
		return
	}
	switch g.rand.IntN(8) {
	case 0:
		r["valueCodeableConcept"] = g.concept()
	case 1:
		r["valueString"] = g.string()
	case 2:
		r["valueDateTime"] = g.dateTime()
	case 3:
		r["valuePeriod"] = g.period()
	case 4:
		r["valueBoolean"] = g.chance(2)
	default:
		r["valueQuantity"] = g.quantity()
	}
}

func encounter(g *Generator, r object) {
	r["status"] = pick(g, "finished", "in-progress", "planned")
	r["class"] = g.coding()
	g.set(r, "type", 5, func() any { return list(g, 2, g.concept) })
	g.set(r, "subject", 9, func() any { return g.reference("Patient", "Patient", "Group") })
	g.set(r, "period", 7, func() any { return g.period() })
	g.set(r, "serviceProvider", 5, func() any { return g.reference("Organization") })
	g.set(r, "partOf", 2, func() any { return g.reference("Encounter") })
	g.set(r, "location", 4, func() any {
		return list(g, 2, func() object {
			l := object{"location": g.reference("Location")}
			g.set(l, "period", 5, func() any { return g.period() })
			return l
		})
	})
	g.set(r, "participant", 4, func() any {
		return list(g, 2, func() object { return object{"individual": g.reference("Practitioner")} })
	})
}

func practitioner(g *Generator, r object) {
	g.set(r, "active", 5, func() any { return g.chance(2) })
	g.set(r, "name", 9, func() any { return list(g, 2, g.name) })
	g.set(r, "identifier", 6, func() any { return list(g, 2, g.identifier) })
	g.set(r, "telecom", 4, func() any { return list(g, 2, g.telecom) })
	g.set(r, "gender", 5, func() any { return pick(g, "male", "female") })
}

func organization(g *Generator, r object) {
	r["name"] = g.string()
	g.set(r, "alias", 4, func() any { return list(g, 2, g.string) })
	g.set(r, "identifier", 5, func() any { return list(g, 2, g.identifier) })
	g.set(r, "partOf", 5, func() any { return g.reference("Organization") })
	g.set(r, "address", 5, func() any { return list(g, 1, g.address) })
	g.set(r, "endpoint", 1, func() any { return list(g, 1, func() object { return g.reference("Endpoint") }) })
}

func location(g *Generator, r object) {
	r["name"] = g.string()
	g.set(r, "status", 6, func() any { return pick(g, "active", "inactive") })
	g.set(r, "address", 5, func() any { return g.address() })
	g.set(r, "managingOrganization", 5, func() any { return g.reference("Organization") })
	g.set(r, "partOf", 4, func() any { return g.reference("Location") })
	g.set(r, "position", 8, func() any {
		return object{
			"latitude":  decimal(pick(g, "52.52", "52.5", "48.137", "-33.8688", "89.99", "0", "51.4779")),
			"longitude": decimal(pick(g, "13.405", "13.4", "11.575", "151.2093", "179.99", "-179.99", "0")),
		}
	})
}

func condition(g *Generator, r object) {
	r["subject"] = g.reference("Patient", "Patient", "Group")
	g.set(r, "code", 9, func() any { return g.concept() })
	g.set(r, "encounter", 5, func() any { return g.reference("Encounter") })
	g.set(r, "asserter", 4, func() any { return g.reference("Practitioner", "Patient") })
	g.set(r, "recordedDate", 4, func() any { return g.dateTime() })
	g.set(r, "stage", 3, func() any { return []object{{"summary": g.concept()}} })
	g.set(r, "clinicalStatus", 7, func() any {
		return object{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": pick(g, "active", "resolved")}}}
	})
	switch g.rand.IntN(5) {
	case 0:
		r["onsetDateTime"] = g.dateTime()
	case 1:
		r["onsetPeriod"] = g.period()
	case 2:
		r["onsetAge"] = object{"value": decimal(pick(g, "5", "24", "60")), "system": "http://unitsofmeasure.org", "code": pick(g, "a", "mo", "wk")}
	case 3:
		r["onsetString"] = g.string()
	case 4:
		r["onsetRange"] = g.span()
	}
}

func serviceRequest(g *Generator, r object) {
	r["status"], r["intent"] = pick(g, "active", "completed"), pick(g, "order", "plan")
	r["subject"] = g.reference("Patient", "Group", "Location")
	g.set(r, "code", 7, func() any { return g.concept() })
	g.set(r, "requester", 5, func() any { return g.reference("Practitioner", "Organization", "Patient") })
	g.set(r, "instantiatesCanonical", 4, func() any { return list(g, 2, g.canonical) })
	g.set(r, "instantiatesUri", 3, func() any { return list(g, 2, g.uri) })
	g.set(r, "basedOn", 3, func() any { return list(g, 2, func() object { return g.reference("ServiceRequest") }) })
	g.set(r, "authoredOn", 5, func() any { return g.dateTime() })
	switch g.rand.IntN(3) {
	case 0:
		r["occurrenceTiming"] = g.timing()
	case 1:
		r["occurrencePeriod"] = g.period()
	}
}

func riskAssessment(g *Generator, r object) {
	r["status"], r["subject"] = "final", g.reference("Patient", "Group")
	g.set(r, "prediction", 9, func() any {
		return list(g, 3, func() object {
			p := object{"outcome": g.concept()}
			switch g.rand.IntN(4) {
			case 0:
				p["probabilityRange"] = object{"low": object{"value": decimal("0.2")}, "high": object{"value": decimal(pick(g, "0.4", "0.8"))}}
			case 1:
			default:
				p["probabilityDecimal"] = g.probability()
			}
			return p
		})
	})
}

func chargeItem(g *Generator, r object) {
	r["status"], r["code"], r["subject"] = "billable", g.concept(), g.reference("Patient", "Group")
	g.set(r, "factorOverride", 6, func() any { return g.decimal() })
	g.set(r, "priceOverride", 7, func() any { return g.money() })
	g.set(r, "quantity", 7, func() any { return g.quantity() })
}

func molecularSequence(g *Generator, r object) {
	r["coordinateSystem"] = 0
	g.set(r, "patient", 6, func() any { return g.reference("Patient") })
	g.set(r, "referenceSeq", 8, func() any {
		s := object{"windowStart": g.rand.IntN(5), "windowEnd": 3 + g.rand.IntN(5)}
		g.set(s, "chromosome", 8, func() any { return g.concept() })
		g.set(s, "referenceSeqId", 6, func() any { return g.concept() })
		return s
	})
	g.set(r, "variant", 8, func() any {
		return list(g, 3, func() object { return object{"start": g.rand.IntN(5), "end": 3 + g.rand.IntN(5)} })
	})
}

func documentReference(g *Generator, r object) {
	r["status"] = pick(g, "current", "superseded")
	r["content"] = list(g, 2, func() object {
		return object{"attachment": object{"contentType": pick(g, "text/plain", "application/pdf"), "language": pick(g, "de", "EN"), "url": g.uri()}}
	})
	g.set(r, "subject", 6, func() any { return g.reference("Patient", "Group") })
	g.set(r, "date", 5, func() any { return g.instant() })
	g.set(r, "relatesTo", 7, func() any {
		return list(g, 2, func() object {
			return object{"code": pick(g, "replaces", "appends"), "target": g.reference("DocumentReference")}
		})
	})
}

func group(g *Generator, r object) {
	r["type"], r["actual"] = "person", g.chance(2)
	g.set(r, "name", 5, func() any { return g.string() })
	g.set(r, "member", 6, func() any {
		return list(g, 3, func() object { return object{"entity": g.reference("Patient", "Practitioner")} })
	})
	g.set(r, "characteristic", 7, func() any {
		return list(g, 3, func() object {
			c := object{"code": g.concept(), "exclude": g.chance(2)}
			switch g.rand.IntN(3) {
			case 0:
				c["valueCodeableConcept"] = g.concept()
			case 1:
				c["valueBoolean"] = g.chance(2)
			case 2:
				c["valueQuantity"] = g.simpleQuantity()
			}
			return c
		})
	})
}

func listResource(g *Generator, r object) {
	r["status"], r["mode"] = "current", "changes"
	g.set(r, "title", 5, func() any { return g.string() })
	g.set(r, "subject", 5, func() any { return g.reference("Patient") })
	g.set(r, "entry", 9, func() any {
		return list(g, 8, func() object {
			e := object{"item": g.reference("Patient", "Observation", "Condition", "Encounter")}
			g.set(e, "deleted", 2, func() any { return g.chance(2) })
			return e
		})
	})
}

func measure(g *Generator, r object) {
	r["status"] = pick(g, "active", "draft")
	g.set(r, "url", 8, func() any { return g.canonicalURL() })
	g.set(r, "version", 5, func() any { return pick(g, "1", "1.0", "A") })
	g.set(r, "name", 6, func() any { return g.string() })
	g.set(r, "date", 6, func() any { return g.dateTime() })
	g.set(r, "library", 4, func() any { return list(g, 2, g.canonical) })
	g.set(r, "effectivePeriod", 4, func() any { return g.period() })
	g.set(r, "useContext", 7, func() any {
		return list(g, 3, func() object {
			c := object{"code": g.coding()}
			switch g.rand.IntN(3) {
			case 0:
				c["valueCodeableConcept"] = g.concept()
			case 1:
				c["valueQuantity"] = g.simpleQuantity()
			case 2:
				c["valueRange"] = g.span()
			}
			return c
		})
	})
	g.set(r, "relatedArtifact", 3, func() any {
		return []object{{"type": pick(g, "composed-of", "depends-on"), "resource": g.canonical()}}
	})
}

func medication(g *Generator, r object) {
	g.set(r, "code", 8, func() any { return g.concept() })
	g.set(r, "ingredient", 6, func() any {
		return list(g, 2, func() object {
			if g.chance(2) {
				return object{"itemCodeableConcept": g.concept()}
			}
			return object{"itemReference": g.reference("Substance", "Medication")}
		})
	})
	g.set(r, "batch", 4, func() any { return object{"lotNumber": pick(g, "L1", "l1"), "expirationDate": g.date()} })
}

func provenance(g *Generator, r object) {
	r["target"] = list(g, 3, func() object { return g.reference("Patient", "Observation", "Measure") })
	r["recorded"] = g.instant()
	r["agent"] = list(g, 2, func() object { return object{"who": g.reference("Practitioner", "Organization")} })
	g.set(r, "occurredPeriod", 5, func() any { return g.period() })
}

func basic(g *Generator, r object) {
	r["code"] = g.concept()
	g.set(r, "subject", 5, func() any { return g.reference("Patient", "Location") })
	g.set(r, "author", 5, func() any { return g.reference("Practitioner", "Patient") })
	g.set(r, "created", 5, func() any { return g.date() })
}

func questionnaire(g *Generator, r object) {
	r["status"] = pick(g, "active", "draft", "retired")
	g.set(r, "url", 8, func() any { return g.canonicalURL() })
	g.set(r, "version", 6, func() any { return pick(g, "1", "1.0", "2") })
	g.set(r, "title", 6, func() any { return g.string() })
	g.set(r, "subjectType", 4, func() any { return []string{"Patient"} })
	g.set(r, "derivedFrom", 4, func() any { return list(g, 2, g.canonical) })
}

func questionnaireResponse(g *Generator, r object) {
	r["status"] = pick(g, "completed", "in-progress")
	g.set(r, "questionnaire", 9, func() any { return g.canonical() })
	g.set(r, "subject", 7, func() any { return g.reference("Patient", "Organization") })
	g.set(r, "authored", 6, func() any { return g.dateTime() })
}

func planDefinition(g *Generator, r object) {
	r["status"] = pick(g, "active", "draft")
	g.set(r, "url", 8, func() any { return g.canonicalURL() })
	g.set(r, "version", 4, func() any { return pick(g, "1", "1.0", "2") })
	g.set(r, "title", 5, func() any { return g.string() })
	g.set(r, "relatedArtifact", 6, func() any {
		return list(g, 2, func() object {
			return object{"type": pick(g, "composed-of", "depends-on", "derived-from", "successor"), "resource": g.canonical()}
		})
	})
}
