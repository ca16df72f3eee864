package xmltext

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// describe goes through a text and writes its tokens in one line, or what is
// wrong.
func describe(text string, options Options) string {
	var s Scanner
	var b strings.Builder
	s.Reset([]byte(text), options)
	for s.Next() {
		switch s.Kind {
		case Open:
			fmt.Fprintf(&b, "<%s", shownName(&s, s.Name))
			for _, a := range s.Attributes() {
				fmt.Fprintf(&b, " %s=%q", shownName(&s, a.Name), AppendValue(nil, s.Source()[a.Start:a.End]))
			}
			if s.Empty {
				b.WriteString("/")
			}
			b.WriteString(">")
		case Close:
			fmt.Fprintf(&b, "</%s>", shownName(&s, s.Name))
		case Text:
			fmt.Fprintf(&b, "%q", AppendText(nil, s.Spelled()))
		default:
			b.Write(s.Spelled())
		}
	}
	if fault := s.Fault(); fault != nil {
		line, column := Position(s.Source(), fault.Offset)
		return fmt.Sprintf("%d:%d %s", line, column, fault.Message)
	}
	return b.String()
}

func shownName(s *Scanner, n Name) string {
	if n.Space == NoSpace {
		return string(s.Local(n))
	}
	return "{" + s.SpaceName(n.Space) + "}" + string(s.Local(n))
}

func TestTokens(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty tag", `<a/>`, `<a/>`},
		{"element", `<a></a>`, `<a></a>`},
		{"space in tags", "<a \n></a\t>", `<a></a>`},
		{"declaration", `<?xml version="1.0" encoding="utf-8" standalone='yes' ?><a/>`, `<a/>`},
		{"byte order mark", "\uFEFF<?xml version='1.0'?><a/>", `<a/>`},
		{"prolog and epilog", "<!-- x --> <?p q?>\n<a/> <!-- y -->\n", `<!-- x --><?p q?><a/><!-- y -->`},
		{"instruction that only begins like the declaration", `<?xml-stylesheet href="x"?><a/>`, `<?xml-stylesheet href="x"?><a/>`},
		{"text", `<a>b&lt;&#65;&#x42;&amp;&quot;&apos;&gt;c]]d</a>`, `<a>"b<AB&\"'>c]]d"</a>`},
		{"ends of lines", "<a>\r\n\r\n\rb</a>", `<a>"\n\n\nb"</a>`},
		{"blank text", "<a> \n </a>", `<a>" \n "</a>`},
		{"CDATA", `<a><![CDATA[<&]]]]></a>`, `<a><![CDATA[<&]]]]></a>`},
		{"attributes", `<a b = "c"  d='"'/>`, `<a b="c" d="\""/>`},
		{"values are normalised", "<a b='\t\r\n\n&#9;&#10;&#13; '/>", `<a b="   \t\n\r "/>`},
		{"long value", `<a b="0123456789abcdefé0123456789"/>`, `<a b="0123456789abcdefé0123456789"/>`},
		{"default namespace", `<a xmlns="urn:x"><b c=""/></a>`, `<{urn:x}a><{urn:x}b c=""/></{urn:x}a>`},
		{"prefixes", `<p:a xmlns:p="urn:x" p:c="1" c="2"><q:b xmlns:q="urn:y"/><p:b/></p:a>`,
			`<{urn:x}a {urn:x}c="1" c="2"><{urn:y}b/><{urn:x}b/></{urn:x}a>`},
		{"namespace ends with its element", `<a><b xmlns="urn:x"/><c xmlns="urn:x"><d/></c><e/></a>`,
			`<a><{urn:x}b/><{urn:x}c><{urn:x}d/></{urn:x}c><e/></a>`},
		{"no namespace again", `<a xmlns="urn:x"><b xmlns=""/></a>`, `<{urn:x}a><b/></{urn:x}a>`},
		{"coded namespace", `<a xmlns="urn:&#120;"/>`, `<{urn:x}a/>`},
		{"xml prefix", `<a xml:lang="de"/>`, `<a {http://www.w3.org/XML/1998/namespace}lang="de"/>`},
		{"names beyond ASCII", `<é·ł/>`, `<é·ł/>`},

		{"nothing", ``, `1:1 there is no element: the text is empty`},
		{"only space", "\n ", `2:2 there is no element: the text is empty`},
		{"text outside", `x<a/>`, `1:1 text stands outside of the root element`},
		{"two roots", `<a/><b/>`, `1:5 only comments may follow after the end of the root element`},
		{"not closed", `<a><b></b>`, `1:11 the text ends before the element 'a' is closed`},
		{"closed in wrong order", `<a><b></a></b>`, `1:7 the element 'b' must be closed first`},
		{"closes nothing", `<a/></a>`, `1:5 this end tag closes nothing`},
		{"close with more", `<a></a b>`, `1:4 the element 'a' must be closed here, with its name and '>'`},
		{"unclosed tag", `<a b="c"`, `1:9 the start tag of the element 'a' is not closed: '>' is missing, or an attribute is malformed`},
		{"stray less", `<a>1 < 2</a>`, `1:6 a '<' that begins no tag must be written &lt;`},
		{"stray and", `<a>1 & 2</a>`, `1:6 an '&' that begins no reference must be written &amp;`},
		{"entity", `<a>&nbsp;</a>`, `1:4 this entity is not declared: XML itself has &amp; &lt; &gt; &quot; and &apos; only; others are written as characters or by number, such as &#160;`},
		{"entity in value", `<a b="&x;"/>`, `1:7 this entity is not declared: XML itself has &amp; &lt; &gt; &quot; and &apos; only; others are written as characters or by number, such as &#160;`},
		{"reference to no character", `<a>&#0;</a>`, `1:4 the reference names no character that XML has`},
		{"reference to a surrogate", `<a>&#xD800;</a>`, `1:4 the reference names no character that XML has`},
		{"reference beyond Unicode", `<a>&#x110000;</a>`, `1:4 the reference names no character that XML has`},
		{"signed reference", `<a>&#+65;</a>`, `1:4 the reference names no character that XML has`},
		{"document type", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, `1:1 a document type is not allowed: nothing may be declared or fetched`},
		{"late document type", "<a/>\n<!DOCTYPE a>", `2:1 a document type is not allowed: nothing may be declared or fetched`},
		{"two attributes", `<a b="1" b="2"/>`, `1:10 the attribute 'b' is there twice`},
		{"two attributes by namespace", `<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, `1:36 the attribute 'b' is there twice`},
		{"two declarations", `<a xmlns="u" xmlns="v"/>`, `1:14 the attribute 'xmlns' is there twice`},
		{"attributes without space", `<a b="1"c="2"/>`, `1:9 attributes need white space before them`},
		{"no value", `<a b/>`, `1:5 the attribute 'b' has no value: '=' is missing`},
		{"no quotes", `<a b=c/>`, `1:6 the value of the attribute 'b' must stand in quotes`},
		{"less in value", `<a b="<"/>`, `1:7 a '<' in the value of an attribute must be written &lt;`},
		{"value without end", `<a b="c/>`, `1:10 the text ends within the value of the attribute 'b'`},
		{"end of CDATA in text", `<a>]]></a>`, `1:4 the characters ]]> in text must be written ]]&gt;`},
		{"control character", "<a>\x01</a>", `1:4 XML does not have this control character`},
		{"control character in value", "<a b='\x0b'/>", `1:7 XML does not have this control character`},
		{"control character in comment", "<a><!--\x00--></a>", `1:8 XML does not have this control character`},
		{"no character", "<a>\uFFFE</a>", `1:4 XML does not have this character, U+FFFE or U+FFFF`},
		{"not UTF-8", "<a>é\xe9</a>", `1:5 the text is not valid UTF-8 here`},
		{"UTF-16", "\xff\xfe<\x00a\x00", `1:1 the text is not valid UTF-8 here`},
		{"other encoding", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, `1:1 only UTF-8 is read here`},
		{"other version", `<?xml version="1.1"?><a/>`, `1:1 only XML 1.0 is read here`},
		{"malformed declaration", `<?xml encoding="UTF-8"?><a/>`, `1:1 the XML declaration is malformed; it looks like <?xml version="1.0" encoding="UTF-8"?>`},
		{"declaration without end", `<?xml version="1.0"`, `1:1 the XML declaration is not closed: ?> is missing`},
		{"late declaration", ` <?xml version="1.0"?><a/>`, `1:2 the XML declaration stands at the very beginning of the text, if anywhere`},
		{"comment with hyphens", `<a><!-- -- --></a>`, `1:4 a comment ends in --> and holds no other --`},
		{"comment without end", `<a><!-- x`, `1:4 a comment ends in --> and holds no other --`},
		{"CDATA without end", `<a><![CDATA[`, `1:4 the CDATA section is not closed: ]]> is missing`},
		{"CDATA outside", `<![CDATA[x]]><a/>`, `1:1 this is neither a comment nor a CDATA section`},
		{"instruction without end", `<a><?x y></a>`, `1:4 the processing instruction is not closed: ?> is missing`},
		{"instruction without name", `<a><? x?></a>`, `1:4 a processing instruction begins with its name`},
		{"prefix not declared", `<p:a/>`, `1:2 the prefix 'p' is not declared: it needs an attribute that begins with xmlns:`},
		{"prefix of attribute not declared", `<a p:b="c"/>`, `1:4 the prefix 'p' is not declared: it needs an attribute that begins with xmlns:`},
		{"prefix declared for nothing", `<a xmlns:p=""/>`, `1:4 a prefix cannot be declared for no namespace`},
		{"xml declared otherwise", `<a xmlns:xml="urn:x"/>`, `1:4 the prefixes xml and xmlns have fixed namespaces`},
		{"xmlns declared", `<a xmlns:xmlns="urn:x"/>`, `1:4 the prefixes xml and xmlns have fixed namespaces`},
		{"two colons", `<a:b:c/>`, `1:5 ` + malformedName},
		{"name with digit", `<a><1b/></a>`, `1:7 ` + malformedName},
		{"empty local name", `<a:/>`, `1:4 ` + malformedName},
		{"name with odd character", `<a×/>`, `1:3 ` + malformedName},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(c.text, Options{}); got != c.want {
				t.Errorf("%q\n gave %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

func TestOptions(t *testing.T) {
	html := func(name []byte) bool { return string(name) == "nbsp" }
	for _, c := range []struct {
		name, text string
		options    Options
		want       string
	}{
		{"depth", `<a><b><c/></b></a>`, Options{MaxDepth: 2}, `1:7 elements are nested too deeply`},
		{"depth reached", `<a><b></b></a>`, Options{MaxDepth: 2}, `<a><b></b></a>`},
		{"declarations", `<a xmlns="u" xmlns:p="v"/>`, Options{Declarations: true},
			`<{u}a {http://www.w3.org/2000/xmlns/}xmlns="u" {http://www.w3.org/2000/xmlns/}p="v"/>`},
		{"fragment", " <a>&nbsp;</a>\n", Options{Fragment: true, Entity: html}, `<a>"&nbsp;"</a>`},
		{"fragment without declaration", `<?xml version="1.0"?><a/>`, Options{Fragment: true}, `1:1 processing instructions are not allowed here`},
		{"known", `<a xmlns="u"/>`, Options{Known: []string{"u"}}, `<{u}a/>`},
		{"other attributes", `<a ` + manyAttributes(65) + `/>`, Options{}, fmt.Sprintf("1:%d the element has too many attributes", 4+len(manyAttributes(64)))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(c.text, c.options); got != c.want {
				t.Errorf("%q\n gave %s\nwant %s", c.text, got, c.want)
			}
		})
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `a%03d="" `, i)
	}
	return b.String()
}

func TestManyNamespaces(t *testing.T) {
	var b strings.Builder
	b.WriteString("<a>")
	for i := range 300 {
		fmt.Fprintf(&b, `<b xmlns="urn:%d"/>`, i)
	}
	b.WriteString("</a>")
	if got := describe(b.String(), Options{}); !strings.Contains(got, "too many namespaces") {
		t.Errorf("300 namespaces: %.80s", got)
	}
}

// FuzzScanner compares with encoding/xml, which is more lenient: what is accepted
// here must be the same there. Names beyond ASCII are left out, for which it has
// an older table.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{
		`<a/>`, `<?xml version="1.0"?><a b="c&#9;">d&lt;<![CDATA[x]]><!-- y --><?p q?></a>`,
		`<p:a xmlns:p="urn:x" xmlns="urn:y"><b p:c='"'/></p:a>`, "<a>\r\n</a>", `<a>&x;</a>`, `<!DOCTYPE a><a/>`, `<a xml:lang="x">é</a>`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Scanner
		s.Reset([]byte(text), Options{})
		var got []string
		for s.Next() {
			switch s.Kind {
			case Open:
				for _, n := range append([]Name{s.Name}, names(s.Attributes())...) {
					for _, c := range s.src[n.Start:n.End] {
						if c >= 0x80 {
							t.Skip()
						}
					}
				}
				line := "<" + shownName(&s, s.Name)
				for _, a := range s.Attributes() {
					line += " " + shownName(&s, a.Name)
				}
				got = append(got, line)
				if s.Empty {
					got = append(got, "/"+shownName(&s, s.Name))
				}
			case Close:
				got = append(got, "/"+shownName(&s, s.Name))
			}
		}
		if s.Fault() != nil {
			return
		}
		if want, err := tokensOf(strings.TrimPrefix(text, "\uFEFF")); err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%q\n gave %q\nwant %q (%v)", text, got, want, err)
		}
	})
}

func names(attributes []Attribute) (names []Name) {
	for _, a := range attributes {
		names = append(names, a.Name)
	}
	return names
}

// tokensOf reads with encoding/xml.
func tokensOf(text string) (tokens []string, err error) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("only UTF-8") }
	shown := func(n xml.Name) string {
		if n.Space == "" {
			return n.Local
		}
		if n.Space == "xml" {
			n.Space = fixedSpaces[XMLSpace]
		}
		return "{" + n.Space + "}" + n.Local
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return tokens, nil
		}
		if err != nil {
			return tokens, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			line := "<" + shown(e.Name)
			for _, a := range e.Attr {
				if a.Name.Space != "xmlns" && a.Name != (xml.Name{Local: "xmlns"}) {
					line += " " + shown(a.Name)
				}
			}
			tokens = append(tokens, line)
		case xml.EndElement:
			tokens = append(tokens, "/"+shown(e.Name))
		}
	}
}
