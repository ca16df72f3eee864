package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A searchServer is as much of FHIR search as the workloads use, done the
// plainest way: every resource is looked at for every request. It warns about
// parameters that it does not know, as servers do.
type searchServer struct {
	*httptest.Server
	resources []map[string]any // in the order of lastUpdated

	mu       sync.Mutex // guards the fields below
	requests map[string]int
	fault    string // what it does wrong, one of the names in respond
}

// newSearchServer holds made-up records, and a blood pressure for each patient.
func newSearchServer(t *testing.T, patients int) *searchServer {
	s := &searchServer{requests: make(map[string]int)}
	rng := random(7)
	bundles := []bundle{makeSupports(&rng)}
	s.load(t, bundles)
	refs := new(supports)
	for i, k := range supportKinds {
		for _, r := range s.resources {
			if r["resourceType"] == k.typeName() {
				refs[i] = append(refs[i], k.typeName()+"/"+r["id"].(string))
			}
		}
	}
	s.load(t, makeRecords(1, patients, refs))
	for _, r := range slices.Clone(s.resources) {
		if r["resourceType"] == "Patient" {
			s.store(t, fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},
				"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2019-05-0%dT10:00:00Z","component":[
				{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":12%d,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
				{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":8%d.5,"system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`,
				r["id"], 1+rng.below(9), rng.below(10), rng.below(10)))
		}
	}
	s.Server = httptest.NewServer(http.StripPrefix("/fhir", s))
	t.Cleanup(s.Close)
	return s
}

// load stores what Bundles hold, with references to each other resolved.
func (s *searchServer) load(t *testing.T, bundles []bundle) {
	for _, one := range bundles {
		var b struct {
			Entry []struct {
				FullURL  string
				Resource json.RawMessage
				Request  struct{ URL string }
			}
		}
		if err := json.Unmarshal(one.text, &b); err != nil {
			t.Fatal(err)
		}
		var places []string
		for i, e := range b.Entry {
			places = append(places, e.FullURL, e.Request.URL+"/id"+strconv.Itoa(len(s.resources)+i))
		}
		resolve := strings.NewReplacer(places...)
		for _, e := range b.Entry {
			s.store(t, resolve.Replace(string(e.Resource)))
		}
	}
}

// store adds a resource; one is a second younger than the one before.
func (s *searchServer) store(t *testing.T, text string) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var r map[string]any
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	r["id"] = "id" + strconv.Itoa(len(s.resources))
	r["meta"] = map[string]any{"lastUpdated": time.Unix(1_700_000_000+int64(len(s.resources)), 0).UTC().Format("2006-01-02T15:04:05.000Z")}
	whole, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	r["text"] = string(whole) // in place of the narrative
	s.resources = append(s.resources, r)
}

func (s *searchServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	fault := s.fault
	s.requests[r.URL.Path]++
	s.mu.Unlock()
	typeName, id, one := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case typeName == "metadata":
		io.WriteString(w, `{"resourceType":"CapabilityStatement","status":"active"}`)
	case one:
		for _, r := range s.resources {
			if r["resourceType"] == typeName && r["id"] == id {
				io.WriteString(w, r["text"].(string))
				return
			}
		}
		w.WriteHeader(404)
	default:
		s.respond(w, typeName, r.URL.Query(), fault)
	}
}

// respond answers a search, with one thing wrong if it is told to.
func (s *searchServer) respond(w http.ResponseWriter, typeName string, q url.Values, fault string) {
	if criterion, refused := strings.CutPrefix(fault, "refuse "); refused && q.Has(criterion) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":"the patient %s"}]}`, q.Get(criterion))
		return
	}
	found, unknown := s.search(typeName, q)
	size, err := strconv.Atoi(q.Get("_count"))
	if err != nil {
		size = 10
	}
	if q.Get("_summary") == "count" {
		size = 0
	}
	total, from := len(found), 0
	fmt.Sscan(q.Get("page"), &from)
	page := found[min(from, total):min(from+size, total)]
	paging := size == smallPage
	var entries []string
	for i, r := range page {
		body := r["text"].(string)
		switch {
		case fault == "repeat" && from > 0 && i == 0:
			body = found[0]["text"].(string)
		case fault == "type" && i == len(page)-1 && size == pageSize:
			body = strings.Replace(body, `"resourceType":"`, `"resourceType":"Basic`, 1)
		case fault == "lose" && paging && from > 0 && i == 0:
			continue
		}
		entries = append(entries, fmt.Sprintf(`{"fullUrl":"http://elsewhere/fhir/%s/%s","resource":%s,"search":{"mode":"match"}}`, typeName, r["id"], body))
	}
	if fault == "more" && size == pageSize && len(found) > size {
		for _, r := range found[size:] {
			entries = append(entries, fmt.Sprintf(`{"resource":%s}`, r["text"]))
		}
	}
	for _, name := range unknown {
		entries = slices.Insert(entries, 0, fmt.Sprintf(`{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"not-supported",
			"diagnostics":%q}]},"search":{"mode":"outcome"}}`, name))
	}
	kind := "searchset"
	if fault == "other bundle" && size == pageSize {
		kind = "collection"
	}
	out := fmt.Sprintf(`{"resourceType":"Bundle","type":%q`, kind)
	switch {
	case fault == "no total":
	case fault == "total" && paging && from > 0:
		out += fmt.Sprintf(`,"total":%d`, total+1)
	default:
		out += fmt.Sprintf(`,"total":%d`, total)
	}
	if from+size < total && size > 0 {
		q.Set("page", strconv.Itoa(from+size))
		next, _ := json.Marshal("http://elsewhere/fhir/" + typeName + "?" + q.Encode()) // has escapes for &
		out += fmt.Sprintf(`,"link":[{"relation":"self","url":"x"},{"relation":"next","url":%s}]`, next)
	}
	if len(entries) > 0 {
		out += `,"entry":[` + strings.Join(entries, ",") + `]`
	}
	if fault == "cut" && size == pageSize {
		out = out[:len(out)-1]
	}
	io.WriteString(w, out+"}")
}

// search returns the matches in order, and the parameters that it does not
// know.
func (s *searchServer) search(typeName string, q url.Values) (found []map[string]any, unknown []string) {
	asOf := q.Get("_asOf")
	for name := range q {
		if _, known := parameters[typeName+"?"+strings.SplitN(name, ":", 2)[0]]; !known &&
			!slices.Contains([]string{"_count", "_summary", "_total", "_sort", "_elements", "_asOf", "page"}, name) {
			unknown = append(unknown, name)
		}
	}
	for _, r := range s.resources {
		if r["resourceType"] == typeName && (asOf == "" || first(strs(r, "meta", "lastUpdated")) <= asOf) && matchesAll(r, q) {
			found = append(found, r)
		}
	}
	if q.Get("_sort") == "-_lastUpdated" {
		slices.Reverse(found)
	}
	return found, unknown
}

func matchesAll(r map[string]any, q url.Values) bool {
	for name, values := range q {
		base, modifier, _ := strings.Cut(name, ":")
		p, known := parameters[r["resourceType"].(string)+"?"+base]
		for _, list := range values {
			if known && !slices.ContainsFunc(strings.Split(list, ","), func(v string) bool { return p(r, modifier, v) }) {
				return false
			}
		}
	}
	return true
}

// A criterion tells whether a resource has a value.
type criterion func(r any, modifier, value string) bool

var parameters = map[string]criterion{
	"Patient?name":                              text("name.family", "name.given"),
	"Patient?family":                            text("name.family"),
	"Patient?given":                             text("name.given"),
	"Patient?address":                           text("address.line", "address.city", "address.state"),
	"Patient?address-city":                      text("address.city"),
	"Patient?address-postalcode":                text("address.postalCode"),
	"Patient?birthdate":                         date("birthDate"),
	"Patient?gender":                            token("gender"),
	"Patient?_content":                          anywhere,
	"Patient?_text":                             anywhere,
	"Organization?name":                         text("name"),
	"Observation?date":                          date("effectiveDateTime"),
	"Observation?category":                      token("category.coding"),
	"Observation?code":                          token("code.coding"),
	"Observation?combo-code":                    token("code.coding", "component.code.coding"),
	"Observation?subject":                       reference("subject"),
	"Observation?patient":                       reference("subject"),
	"Observation?encounter":                     reference("encounter"),
	"Observation?performer":                     reference("performer"),
	"Observation?value-quantity":                quantified(false, true, false),
	"Observation?component-value-quantity":      quantified(false, false, true),
	"Observation?combo-value-quantity":          quantified(false, true, true),
	"Observation?code-value-quantity":           quantified(true, true, false),
	"Observation?component-code-value-quantity": quantified(true, false, true),
	"Observation?combo-code-value-quantity":     quantified(true, true, true),
	"Observation?_content":                      anywhere,
	"Encounter?date":                            date("period.start"),
	"Encounter?status":                          token("status"),
	"Encounter?class":                           token("class"),
	"Encounter?subject":                         reference("subject"),
	"Encounter?patient":                         reference("subject"),
	"Encounter?participant":                     reference("participant.individual"),
	"Encounter?practitioner":                    reference("participant.individual"),
	"Encounter?location":                        reference("location.location"),
	"MedicationRequest?subject":                 reference("subject"),
	"MedicationRequest?patient":                 reference("subject"),
	"MedicationRequest?encounter":               reference("encounter"),
	"MedicationRequest?requester":               reference("requester"),
	"Condition?patient":                         reference("subject"),
	"Condition?code":                            token("code.coding"),
	"Condition?_content":                        anywhere,
	"Procedure?code":                            token("code.coding"),
}

func at(r any, path string) []string { return strs(r, strings.Split(path, ".")...) }

func anywhere(r any, _, value string) bool {
	return strings.Contains(first(strs(r, "text")), value)
}

func text(paths ...string) criterion {
	return func(r any, modifier, value string) bool {
		value = strings.ReplaceAll(value, `\`, "")
		for _, path := range paths {
			for _, v := range at(r, path) {
				if modifier == "exact" && v == value || modifier == "contains" && strings.Contains(strings.ToLower(v), strings.ToLower(value)) ||
					(modifier == "" || modifier == "text") && strings.HasPrefix(strings.ToLower(v), strings.ToLower(value)) {
					return true
				}
			}
		}
		return false
	}
}

// token compares Codings and plain codes, whose system is not looked at.
func token(paths ...string) criterion {
	return func(r any, modifier, value string) bool {
		for _, path := range paths {
			var v any = r
			for _, name := range strings.Split(path, ".") {
				v = member(v, name)
			}
			for _, c := range elements(v) {
				if plain, ok := c.(string); ok && codeOf(value) == plain {
					return true
				}
				if modifier == "text" && strings.HasPrefix(first(strs(c, "display")), value) {
					return true
				}
				for _, t := range tokens(c) {
					if t == value || strings.HasSuffix(t, "|"+value) {
						return true
					}
				}
			}
		}
		return false
	}
}

func reference(path string) criterion {
	return func(r any, _, value string) bool {
		for _, v := range at(r, path+".reference") {
			if v == value || strings.HasSuffix(v, "/"+value) {
				return true
			}
		}
		return false
	}
}

func date(path string) criterion {
	return func(r any, _, value string) bool {
		prefix, value := cutPrefix(value)
		from, to := period(value)
		for _, v := range at(r, path) {
			start, end := period(v)
			if compareRanges(prefix, float64(start.UnixMilli()), float64(end.UnixMilli()), float64(from.UnixMilli()), float64(to.UnixMilli())) {
				return true
			}
		}
		return false
	}
}

func period(v string) (from, to time.Time) {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", time.RFC3339} {
		if t, err := time.Parse(layout, v); err == nil {
			switch layout {
			case "2006":
				return t, t.AddDate(1, 0, 0).Add(-time.Millisecond)
			case "2006-01":
				return t, t.AddDate(0, 1, 0).Add(-time.Millisecond)
			case "2006-01-02":
				return t, t.AddDate(0, 0, 1).Add(-time.Millisecond)
			}
			return t, t
		}
	}
	panic("the test's server cannot read the date " + v)
}

// quantified compares quantities, of a code or of any.
func quantified(coded, own, components bool) criterion {
	return func(r any, _, value string) bool {
		var code string
		if coded {
			code, value, _ = strings.Cut(value, "$")
		}
		parts := strings.Split(value, "|")
		prefix, number := cutPrefix(parts[0])
		want, err := strconv.ParseFloat(number, 64)
		if err != nil {
			panic("the test's server cannot read the number in " + value)
		}
		var holders []any
		if own {
			holders = append(holders, r)
		}
		if components {
			holders = append(holders, elements(member(r, "component"))...)
		}
		for _, h := range holders {
			q := member(h, "valueQuantity")
			n, err := strconv.ParseFloat(first(strs(q, "value")), 64)
			if err != nil || coded && !token("code.coding")(h, "", code) ||
				len(parts) == 3 && (first(strs(q, "code")) != parts[2] || parts[1] != "" && first(strs(q, "system")) != parts[1]) {
				continue
			}
			half := 0.0
			if prefix == "" || prefix == "eq" {
				_, decimals, _ := strings.Cut(number, ".")
				half = 0.5
				for range len(decimals) {
					half /= 10
				}
			}
			if compareRanges(prefix, n, n, want-half, want+half) {
				return true
			}
		}
		return false
	}
}

func cutPrefix(value string) (prefix, rest string) {
	if len(value) > 2 && value[0] >= 'a' && value[0] <= 'z' {
		return value[:2], value[2:]
	}
	return "", value
}

// compareRanges holds a stored range against one that was asked for.
func compareRanges(prefix string, start, end, from, to float64) bool {
	switch prefix {
	case "", "eq":
		return start >= from && end <= to
	case "lt":
		return start < from
	case "gt":
		return end > to
	case "le":
		return start <= to
	case "ge":
		return end >= from
	case "sa":
		return start > to
	case "eb":
		return end < from
	}
	panic("the test's server does not know the prefix " + prefix)
}
