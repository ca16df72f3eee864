package search

import "fhirlog/domain/fhirjson"

// uriValue adds a uri, url, oid or uuid.
func uriValue(x *extractor, a *action, v fhirjson.Value) {
	if uri, ok := textBytes(v); ok {
		x.present(a)
		x.addURI(a, uri, nil)
	}
}

func (x *extractor) addURI(a *action, uri, version []byte) {
	if x.start(a, AspectValue) {
		x.key = appendURIValue(x.key, uri, version)
		x.posting(a)
	}
}

// canonicalURI adds a canonical by URL and version. One with a fragment has a
// second value, whose version includes it.
func canonicalURI(x *extractor, a *action, v fhirjson.Value) {
	uri, ok := textBytes(v)
	if !ok {
		return
	}
	x.present(a)
	whole := uri
	if at := indexByte(uri, '#'); at > 0 {
		uri = uri[:at]
	}
	at := indexByte(uri, '|')
	if at < 0 {
		at = len(uri)
	}
	url, version := uri[:at], uri[min(at+1, len(uri)):]
	x.addURI(a, url, version)
	if len(whole) > len(uri) {
		x.addURI(a, url, whole[min(at+1, len(uri)):])
	}
}
