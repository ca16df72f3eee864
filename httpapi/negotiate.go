package httpapi

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"fhirlog/domain"
)

// negotiate finds out whether the client takes FHIR's JSON, the one format
// spoken here. _format wins over Accept (https://hl7.org/fhir/R4/http.html#mime-type).
// It also tells whether Accept asks for application/json rather than FHIR's own
// type: the answer then has that type.
func (s *Server) negotiate(h http.Header, query parameters) (plain bool, err error) {
	format, given, err := query.one("_format")
	if err != nil {
		return false, err
	}
	if given {
		// A '+' that was not encoded arrives as a blank.
		return false, s.checkFormat(strings.ReplaceAll(format, " ", "+"))
	}
	accept := h["Accept"]
	if len(accept) == 0 {
		return false, nil
	}
	if len(accept) == 1 {
		switch accept[0] { // what nearly all clients send
		case "", "*/*", "application/fhir+json":
			return false, nil
		case "application/json":
			return true, nil
		}
	}
	q, plain := s.weigh(accept)
	if q > 0 {
		return plain, nil
	}
	return false, notAcceptable("application/fhir+json is the only format offered; Accept excludes it.")
}

func notAcceptable(message string) error { return domain.NewError(domain.NotAcceptable, message) }

func (s *Server) checkFormat(format string) error {
	if format == "json" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(format)
	if err == nil && (media == "application/fhir+json" || media == "application/json") && s.sameVersion(parameters["fhirversion"]) {
		return nil
	}
	return notAcceptable("The format asked for with _format is not offered. Offered are json, application/json and application/fhir+json.")
}

// weigh returns the greatest weight that Accept gives to FHIR's JSON or to
// plain JSON. Of the ranges that fit a type the most specific counts (RFC 9110,
// 12.5.1).
func (s *Server) weigh(accept []string) (q float64, plain bool) {
	var fhir, json weight
	for _, header := range accept {
		for item := range strings.SplitSeq(header, ",") {
			media, parameters, err := mime.ParseMediaType(item)
			if err != nil || !s.sameVersion(parameters["fhirversion"]) {
				continue
			}
			w := 1.0
			if given, ok := parameters["q"]; ok {
				if w, err = strconv.ParseFloat(given, 64); err != nil || !(w >= 0 && w <= 1) {
					continue
				}
			}
			switch media {
			case "application/fhir+json":
				fhir.take(3, w)
			case "application/json":
				json.take(3, w)
			case "application/*":
				fhir.take(2, w)
				json.take(2, w)
			case "*/*":
				fhir.take(1, w)
				json.take(1, w)
			}
		}
	}
	return max(fhir.q, json.q), json.q > fhir.q || json.q == fhir.q && json.rank > fhir.rank
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

// checkContentType refuses bodies that are not JSON in UTF-8.
func (s *Server) checkContentType(h http.Header) error {
	given := h.Get("Content-Type")
	switch given {
	case "application/fhir+json", "application/json", "application/fhir+json; charset=utf-8", "application/json; charset=utf-8":
		return nil
	case "":
		return unsupportedMedia("The Content-Type of the body is missing; it must be application/fhir+json.")
	}
	media, parameters, err := mime.ParseMediaType(given)
	if err != nil || media != "application/fhir+json" && media != "application/json" {
		return unsupportedMedia("Bodies are read as application/fhir+json or application/json only.")
	}
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
