package httpapi

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"fhirlog/domain"
)

// negotiate finds out in which format the client takes the answer. _format wins
// over Accept (https://hl7.org/fhir/R4/http.html#mime-type).
func (s *Server) negotiate(h http.Header, query parameters) (format, error) {
	asked, given, err := query.one("_format")
	if err != nil {
		return fhirJSON, err
	}
	if given {
		// A '+' that was not encoded arrives as a blank.
		return s.namedFormat(strings.ReplaceAll(asked, " ", "+"))
	}
	accept := h["Accept"]
	if len(accept) == 0 {
		return fhirJSON, nil
	}
	if len(accept) == 1 {
		switch accept[0] { // what nearly all clients send
		case "", "*/*", "application/fhir+json":
			return fhirJSON, nil
		case "application/json":
			return plainJSON, nil
		}
	}
	if f, ok := s.weigh(accept); ok {
		return f, nil
	}
	return fhirJSON, notAcceptable("The formats offered are application/fhir+json and application/fhir+xml, of FHIR " + s.fhir.FHIRVersion() + "; Accept excludes both.")
}

func notAcceptable(message string) error { return domain.NewError(domain.NotAcceptable, message) }

// namedFormat reads _format. All names of a format are answered with FHIR's own
// type.
func (s *Server) namedFormat(name string) (format, error) {
	switch name {
	case "json":
		return fhirJSON, nil
	case "xml":
		return fhirXML, nil
	}
	mediaType, parameters, err := mime.ParseMediaType(name)
	f, known := formatOf(mediaType)
	switch {
	case err != nil || !known || !s.sameVersion(parameters["fhirversion"]):
		return fhirJSON, notAcceptable("The format asked for with _format is not offered. Offered are json, xml, " + strings.Join(media[:], ", ") + ".")
	case f.isXML():
		return fhirXML, nil
	}
	return fhirJSON, nil
}

// weigh returns the format to which Accept gives the greatest weight; false if
// that is none. Of the ranges that fit a type the most specific counts (RFC 9110,
// 12.5.1). Of formats that weigh the same, the one that is named wins, and then
// JSON.
func (s *Server) weigh(accept []string) (best format, ok bool) {
	var weights [formats]weight
	for _, header := range accept {
		for item := range strings.SplitSeq(header, ",") {
			asked, parameters, err := mime.ParseMediaType(item)
			if err != nil || !s.sameVersion(parameters["fhirversion"]) {
				continue
			}
			w := 1.0
			if given, ok := parameters["q"]; ok {
				if w, err = strconv.ParseFloat(given, 64); err != nil || !(w >= 0 && w <= 1) {
					continue
				}
			}
			for f, name := range media {
				switch {
				case asked == name:
					weights[f].take(3, w)
				case strings.HasSuffix(asked, "/*") && strings.HasPrefix(name, asked[:len(asked)-1]):
					weights[f].take(2, w)
				case asked == "*/*":
					weights[f].take(1, w)
				}
			}
		}
	}
	for f, w := range weights {
		if w.q > weights[best].q || w.q == weights[best].q && w.rank > weights[best].rank {
			best = format(f)
		}
	}
	return best, weights[best].q > 0
}

type weight struct {
	rank int // how specific the range was
	q    float64
}

func (w *weight) take(rank int, q float64) {
	if rank > w.rank || rank == w.rank && q > w.q {
		w.rank, w.q = rank, q
	}
}

// sameVersion tells whether the fhirVersion parameter of a media type, such as
// 4.0, is the version served (https://hl7.org/fhir/R4/http.html#version-parameter).
func (s *Server) sameVersion(asked string) bool {
	served := s.fhir.FHIRVersion()
	return asked == "" || asked == served || strings.HasPrefix(served, asked+".") && strings.Count(asked, ".") == 1
}

// checkContentType refuses bodies that are neither JSON nor XML in UTF-8.
func (s *Server) checkContentType(h http.Header) error {
	given := h.Get("Content-Type")
	switch given {
	case "application/fhir+json", "application/json", "application/fhir+json; charset=utf-8", "application/json; charset=utf-8":
		return nil
	case "":
		return unsupportedMedia("The Content-Type of the body is missing; it must be application/fhir+json or application/fhir+xml.")
	}
	mediaType, parameters, err := mime.ParseMediaType(given)
	if _, known := formatOf(mediaType); err != nil || !known {
		return unsupportedMedia("Bodies are read as one of these types only: " + strings.Join(media[:], ", ") + ".")
	}
	return s.checkMediaParameters(parameters)
}

// checkMediaParameters refuses bodies in another character set, or of another FHIR
// version.
func (s *Server) checkMediaParameters(parameters map[string]string) error {
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return unsupportedMedia("Bodies are read in UTF-8 only.")
	}
	if !s.sameVersion(parameters["fhirversion"]) {
		return unsupportedMedia("The body is of another FHIR version; this server speaks " + s.fhir.FHIRVersion() + ".")
	}
	return nil
}

func unsupportedMedia(message string) error { return domain.NewError(domain.UnsupportedMedia, message) }

// acceptsGzip tells whether Accept-Encoding allows gzip (RFC 9110, 12.5.3).
func acceptsGzip(h http.Header) bool {
	var gzip weight
	for _, header := range h["Accept-Encoding"] {
		if header == "gzip" {
			return true
		}
		for item := range strings.SplitSeq(header, ",") {
			coding, q, weighted := strings.Cut(item, ";")
			w := 1.0
			if weighted {
				var err error
				if w, err = strconv.ParseFloat(strings.TrimPrefix(strings.ReplaceAll(q, " ", ""), "q="), 64); err != nil {
					continue
				}
			}
			switch coding = strings.TrimSpace(coding); {
			case strings.EqualFold(coding, "gzip"):
				gzip.take(2, w)
			case coding == "*":
				gzip.take(1, w)
			}
		}
	}
	return gzip.q > 0
}
