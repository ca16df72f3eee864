package validate

import (
	"bytes"
	"strings"
)

// allowedElement tells which elements a narrative may have: those of chapters
// 7 to 11 (without 9.4) and 15 of HTML 4.0 that are not deprecated, links and
// images (https://hl7.org/fhir/R4/narrative.html#rules).
func allowedElement(name string) bool {
	switch name {
	case "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "cite", "code",
		"col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
		"kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody",
		"td", "tfoot", "th", "thead", "tr", "tt", "ul", "var":
		return true
	}
	return false
}

// allowedAttribute tells which attributes the elements may have, beside xmlns
// and the src of img, which have rules of their own. Event handlers are not
// among them.
func allowedAttribute(name string) bool {
	switch name {
	case "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding", "cellspacing",
		"cellvalign", "char", "charoff", "charset", "cite", "class", "colspan", "compact", "coords", "dir", "frame",
		"headers", "height", "href", "hreflang", "hspace", "id", "ismap", "lang", "longdesc", "name", "nohref", "nowrap", "rel",
		"rev", "rowspan", "rules", "scope", "shape", "span", "start", "style", "summary", "tabindex", "title",
		"type", "usemap", "valign", "value", "vspace", "width", "xml:id", "xml:lang", "xml:space":
		return true
	}
	return false
}

// isImageSource tells whether an image may come from here: a relative URL or
// fragment, http, https, urn, or an image in a data URL. Entities in the scheme are
// refused, since they could hide another one.
func isImageSource(url []byte) bool {
	end := bytes.IndexAny(url, ":/?#")
	if end < 0 || url[end] != ':' {
		return bytes.IndexByte(url, '&') < 0 || end >= 0 && bytes.IndexByte(url[:end], '&') < 0
	}
	rest := strings.ToLower(strings.TrimLeft(string(url[end+1:min(len(url), end+16)]), " "))
	switch strings.ToLower(string(url[:end])) {
	case "http", "https":
		return true
	case "data":
		return strings.HasPrefix(rest, "image/")
	case "urn": // an entry of the same Bundle: a transaction rewrites it
		return true
	}
	return false
}

// isEntity tells whether a name is one of the entities of XHTML 1.0, the five
// of XML among them.
func isEntity(name string) bool {
	switch name {
	case "amp", "lt", "gt", "quot", "apos":
		return true
	}
	for _, c := range []byte(name) {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return strings.Contains(entities, " "+name+" ")
}

// entities are the names of XHTML 1.0's three entity sets
// (https://www.w3.org/TR/xhtml1/dtds.html#h-A2), each between spaces.
const entities = " nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute" +
	" micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig" +
	" Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash" +
	" Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute" +
	" ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc" +
	" uuml yacute thorn yuml" +
	" OElig oelig Scaron scaron Yuml circ tilde ensp emsp thinsp zwnj zwj lrm rlm ndash mdash lsquo rsquo sbquo ldquo" +
	" rdquo bdquo dagger Dagger permil lsaquo rsaquo euro" +
	" fnof Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho Sigma Tau Upsilon" +
	" Phi Chi Psi Omega alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf" +
	" sigma tau upsilon phi chi psi omega thetasym upsih piv bull hellip prime Prime oline frasl weierp image real" +
	" trade alefsym larr uarr rarr darr harr crarr lArr uArr rArr dArr hArr forall part exist empty nabla isin notin ni" +
	" prod sum minus lowast radic prop infin ang and or cap cup int there4 sim cong asymp ne equiv le ge sub sup nsub" +
	" sube supe oplus otimes perp sdot lceil rceil lfloor rfloor lang rang loz spades clubs hearts diams "
