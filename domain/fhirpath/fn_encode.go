package fhirpath

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"strings"
	"unicode/utf8"

	"fhirlog/domain/fhirjson"
)

// encode writes the UTF-8 bytes of a string in hex, base64 or urlbase64.
func encode(k *call, s, format string) (System, error) {
	switch format {
	case "hex":
		return k.made(hex.EncodeToString([]byte(s)))
	case "base64":
		return k.made(base64.StdEncoding.EncodeToString([]byte(s)))
	case "urlbase64":
		return k.made(base64.URLEncoding.EncodeToString([]byte(s)))
	}
	return nil, k.fault("knows the formats 'hex', 'base64' and 'urlbase64'")
}

// decode is the inverse of encode, empty for what is no such text.
func decode(k *call, s, format string) (System, error) {
	var decoded []byte
	var err error
	switch format {
	case "hex":
		decoded, err = hex.DecodeString(s)
	case "base64":
		decoded, err = base64.StdEncoding.DecodeString(s)
	case "urlbase64":
		decoded, err = base64.URLEncoding.DecodeString(s)
	default:
		return nil, k.fault("knows the formats 'hex', 'base64' and 'urlbase64'")
	}
	if err != nil || !utf8.Valid(decoded) {
		return nil, nil
	}
	return k.made(string(decoded))
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// escape makes a string fit for HTML or JSON.
func escape(k *call, s, target string) (System, error) {
	switch target {
	case "html":
		return k.made(htmlEscaper.Replace(s))
	case "json":
		quoted := fhirjson.AppendQuoted(nil, s)
		return k.made(string(quoted[1 : len(quoted)-1]))
	}
	return nil, k.fault("knows the targets 'html' and 'json'")
}

// unescape is the inverse of escape. Quotes inside JSON need no backslash; what
// else is no JSON gives the empty collection.
func unescape(k *call, s, target string) (System, error) {
	switch target {
	case "html":
		return k.made(html.UnescapeString(s))
	case "json":
		var text string
		if json.Unmarshal([]byte(`"`+s+`"`), &text) != nil && json.Unmarshal([]byte(`"`+strings.ReplaceAll(s, `"`, `\"`)+`"`), &text) != nil {
			return nil, nil
		}
		return k.made(text)
	}
	return nil, k.fault("knows the targets 'html' and 'json'")
}
