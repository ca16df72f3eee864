package httpapi

// format is a form in which FHIR is written. Media types that mean the same are
// formats of their own, as the answer is labelled as it was asked for.
type format uint8

const (
	fhirJSON  format = iota // application/fhir+json, what is answered without a wish
	plainJSON               // application/json
	fhirXML                 // application/fhir+xml
	plainXML                // application/xml
	textXML                 // text/xml
	formats                 // how many there are
)

// media are the types of the formats (https://hl7.org/fhir/R4/http.html#mime-type).
var media = [formats]string{"application/fhir+json", "application/json", "application/fhir+xml", "application/xml", "text/xml"}

// contentTypes are the Content-Types of answers. net/http only reads them.
var contentTypes = [formats][]string{
	contentTypeFHIR, contentTypeJSON,
	{media[fhirXML] + "; charset=utf-8"}, {media[plainXML] + "; charset=utf-8"}, {media[textXML] + "; charset=utf-8"},
}

// contentType is the value of the header.
func (f format) contentType() []string { return contentTypes[f] }

func (f format) isXML() bool { return f >= fhirXML }

// formatOf finds the format of a media type.
func formatOf(mediaType string) (f format, known bool) {
	for f, name := range media {
		if name == mediaType {
			return format(f), true
		}
	}
	return 0, false
}
