package search

import "fhirlog/domain/fhirjson"

// instantDate adds a date, dateTime or instant.
func instantDate(x *extractor, a *action, v fhirjson.Value) {
	low, high, ok := parseDate(v.Text())
	if !ok {
		return
	}
	x.present(a)
	x.addDate(a, low, high)
}

func (x *extractor) addDate(a *action, low, high Ticks) {
	if x.start(a, AspectValue) {
		x.column(a, low, high)
	}
}

// periodDate adds a Period; an end that is missing is open.
func periodDate(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	if low, high, ok := periodOf(v); ok {
		x.addDate(a, low, high)
	}
}

func periodOf(v fhirjson.Value) (low, high Ticks, ok bool) {
	start, _, started := parseDate(v.Get("start").Text())
	_, end, ended := parseDate(v.Get("end").Text())
	low, high = Earliest, Latest
	if started {
		low = start
	}
	if ended {
		high = end
	}
	return low, high, (started || ended) && low < high
}

// timingDate adds the outer limits of a Timing: from the first of its events
// and bounds to the last (https://hl7.org/fhir/R4/search.html#date). A schedule
// without either has no place in time.
func timingDate(x *extractor, a *action, v fhirjson.Value) {
	x.present(a)
	low, high, found := periodOf(v.Get("repeat").Get("boundsPeriod"))
	for event := v.Get("event").First(); event.Exists(); event = event.Next() {
		from, to, ok := parseDate(event.Text())
		switch {
		case !ok:
		case !found:
			low, high, found = from, to, true
		default:
			low, high = min(low, from), max(high, to)
		}
	}
	if found {
		x.addDate(a, low, high)
	}
}
