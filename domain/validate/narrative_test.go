package validate

import (
	"encoding/xml"
	"strings"
	"testing"
)

const (
	divStart = `<div xmlns="http://www.w3.org/1999/xhtml">`
	divEnd   = `</div>`
)

// narrativeCases has texts with what is said about them; "" is accepted.
// Texts that do not begin with '<' or space are put into a div.
var narrativeCases = []struct{ text, problem string }{
	{"text", ""},
	{divStart + "x" + divEnd, ""},
	{" \n" + divStart + "x" + divEnd + "\n", ""},
	{`<div xmlns='http://www.w3.org/1999/xhtml' lang="en" xml:lang="en">x` + divEnd, ""},
	{"a<br/><hr />b", ""},
	{`x<div xmlns="http://www.w3.org/1999/xhtml"><p class="a" style='b'>x</p ></div>`, ""},
	{`x<table border="1"><thead><tr><th colspan="2">a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>`, ""},
	{`x<a href="http://x?a=1&amp;b=2">x</a><a name="b"/>`, ""},
	{`x<a href="javascript:alert(1)">x</a>`, ""},
	{"x&lt;script&gt;alert(1)&lt;/script&gt;%3Cscript%3E", ""},
	{"x&amp;&lt;&gt;&quot;&apos;&nbsp;&eacute;&thetasym;&hearts;&#160;&#xA0;&#x1F600;", ""},
	{"x<!-- a - comment -->", ""},
	{"x<!---->", ""},
	{`x<img src="a.png" alt="b"/>`, ""},
	{divStart + `<img src="a.png"/>` + divEnd, ""},
	{`x<img src="#pic"/><img src="data:image/png;base64,AAAA"/><img src="http://x/y.png"/><img src="HTTPS://x"/><img src="urn:uuid:d98ae128-2a42-4c85-b9aa-cebdf6bddb1d"/><img src="a/b:c"/><img src="data: image/png"/>`, ""},
	{divStart + "&nbsp;" + divEnd, ""},

	{"", "single div"},
	{" ", "single div"},
	{" x", "single div"},
	{" &lt;div>", "single div"},
	{`<p xmlns="http://www.w3.org/1999/xhtml">x</p>`, "single div"},
	{`<?xml version="1.0"?>` + divStart + "x" + divEnd, "single div"},
	{`<!-- x -->` + divStart + "x" + divEnd, "single div"},
	{divStart + "x" + divEnd + divStart + "x" + divEnd, "nothing may follow"},
	{divStart + "x" + divEnd + "x", "nothing may follow"},
	{"<div>x</div>", "must have xmlns"},
	{`<div xmlns="http://www.w3.org/1999/html">x</div>`, "xmlns can be"},
	{`<div xmlns="http://www.w3.org/1999/xhtml" xmlns:x="urn:x">x</div>`, "attribute xmlns:x is not allowed"},
	{`<x:div xmlns:x="http://www.w3.org/1999/xhtml">x</x:div>`, "single div"},
	{divStart + divEnd, "no content"},
	{divStart + " \n\t" + divEnd, "no content"},
	{divStart + "<p> </p><!-- x -->" + divEnd, "no content"},
	{divStart + `<p title="x"/>` + divEnd, "no content"},
	{`<div xmlns="http://www.w3.org/1999/xhtml"/>`, "no content"},

	{"x<script>alert(1)</script>", "element script is not allowed"},
	{"x<SCRIPT>alert(1)</SCRIPT>", "element SCRIPT is not allowed"},
	{"x<iframe src='x'/>", "element iframe is not allowed"},
	{"x<object/>", "element object is not allowed"},
	{"x<form/>", "element form is not allowed"},
	{"x<input/>", "element input is not allowed"},
	{"x<style>b{}</style>", "element style is not allowed"},
	{"x<link/>", "element link is not allowed"},
	{"x<svg/>", "element svg is not allowed"},
	{"x<head/>", "element head is not allowed"},
	{"x<body/>", "element body is not allowed"},
	{"x<font>x</font>", "element font is not allowed"},
	{"x<x:p>x</x:p>", "element x:p is not allowed"},
	{"x<" + strings.Repeat("a", 100) + "/>", "element " + strings.Repeat("a", 64) + "… is not"},
	{`x<p onclick="x">x</p>`, "attribute onclick is not allowed"},
	{`x<p onClick="x">x</p>`, "attribute onClick is not allowed"},
	{`x<a xlink:href="x">x</a>`, "attribute xlink:href is not allowed"},
	{`x<p src="a.png">x</p>`, "image comes from"},
	{`x<img src="javascript:alert(1)"/>`, "image comes from"},
	{`x<img src=" JavaScript:alert(1)"/>`, "image comes from"},
	{`x<img src="java&#115;cript:alert(1)"/>`, "image comes from"},
	{`x<img src="&#106;avascript:alert(1)"/>`, "image comes from"},
	{`x<img src="data:text/html,x"/>`, "image comes from"},
	{`x<img src="file:///etc/passwd"/>`, "image comes from"},
	{"x<![CDATA[><script>alert(1)</script>]]>", "CDATA"},
	{"x<!DOCTYPE html>", "document types"},
	{"x<?php x ?>", "begins no element"},
	{"x<!--><script>alert(1)</script>-->", "comment"},
	{"x<!---><script>alert(1)</script>-->", "comment"},
	{"x<!-- a --!><script>alert(1)</script>-->", "comment"},
	{"x<!-- a -- b -->", "comment"},
	{"x<!-- a", "comment"},

	{"x<b>y", "must be closed first"},
	{divStart + "x<b>y", "element b is not closed"},
	{divStart + "x", "element div is not closed"},
	{"x<b>y</i>", "element b must be closed first"},
	{"x<b>y</B></b>", "element b must be closed first"},
	{"x</b>", "element div must be closed first"},
	{"x<b", "tag of the element b"},
	{"x<b/", "tag of the element b"},
	{"x<b / >", "tag of the element b"},
	{"x</div", "tag of the element div"},
	{"x<", "begins no element"},
	{"x < y", "begins no element"},
	{"x<p class>x</p>", "has no value"},
	{"x<p class=x>x</p>", "has no quotes"},
	{`x<p class="x>x</p>`, "not closed"},
	{`x<p class="a<b">x</p>`, "not closed"},
	{`x<p class="a"title="b">x</p>`, "white space before"},
	{`x<p class="a" class="b">x</p>`, "there twice"},
	{"x & y", "&amp;"},
	{"x &", "&amp;"},
	{"x &; y", "&amp;"},
	{"x &nosuch;", "XHTML 1.0"},
	{"x &NBSP;", "XHTML 1.0"},
	{"x &nbsp iexcl;", "XHTML 1.0"},
	{"x &Tab;", "XHTML 1.0"},
	{"x &#0;", "character reference"},
	{"x &#xFFFF;", "character reference"},
	{"x &#xD800;", "character reference"},
	{"x &#12a;", "character reference"},
	{"x &#;", "character reference"},
	{"x\x01", "control characters"},
	{strings.Repeat("<b>", 300), "single div"},
	{"x" + strings.Repeat("<b>", 300), "too deeply"},
}

func scan(text string) *xhtml {
	s := &xhtml{text: []byte(text)}
	s.document()
	return s
}

func (c narrativeCase) div() string {
	if c.text == "" || c.text[0] == '<' || c.text[0] == ' ' {
		return c.text
	}
	return divStart + c.text + divEnd
}

type narrativeCase struct{ text, problem string }

func TestNarrative(t *testing.T) {
	for _, c := range narrativeCases {
		text := narrativeCase(c).div()
		s := scan(text)
		if (s.problem == "") != (c.problem == "") || !strings.Contains(s.problem, c.problem) {
			t.Errorf("%.100s\n    got %q at %d, want %q", text, s.problem, s.at, c.problem)
		}
		if (s.problem == "") != (s.code == "") {
			t.Errorf("%.100s: problem %q has code %q", text, s.problem, s.code)
		}
	}
}

func TestEntities(t *testing.T) {
	names := strings.Fields(entities)
	if len(names) != 248 { // 253 in XHTML 1.0, of which five are XML's
		t.Errorf("%d entities, want 248", len(names))
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] || xml.HTMLEntity[name] == "" {
			t.Errorf("entity %s is there twice or is none", name)
		}
		seen[name] = true
		if s := scan(divStart + "&" + name + ";" + divEnd); s.problem != "" {
			t.Errorf("&%s; is refused: %s", name, s.problem)
		}
	}
	for name := range xml.HTMLEntity {
		if !isEntity(name) {
			t.Errorf("entity %s is missing", name)
		}
	}
}

// FuzzNarrative holds what the scanner accepts against encoding/xml, a parser
// of its own: it must read it, and see no element that is not admitted.
func FuzzNarrative(f *testing.F) {
	for _, c := range narrativeCases {
		f.Add(narrativeCase(c).div())
	}
	f.Fuzz(func(t *testing.T, text string) {
		if scan(text).problem != "" {
			return
		}
		decoder := xml.NewDecoder(strings.NewReader(strings.ToValidUTF8(text, "?")))
		decoder.Entity = xml.HTMLEntity
		depth, roots := 0, 0
		for {
			token, err := decoder.Token()
			if token == nil {
				if depth != 0 || roots != 1 {
					t.Fatalf("%q: %d roots, depth %d, %v", text, roots, depth, err)
				}
				return
			}
			switch token := token.(type) {
			case xml.StartElement:
				if depth == 0 {
					roots++
				}
				depth++
				if !allowedElement(token.Name.Local) || token.Name.Space != xhtmlNamespace {
					t.Fatalf("%q has the element %v", text, token.Name)
				}
				for _, a := range token.Attr {
					if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") {
						t.Fatalf("%q has the attribute %v", text, a.Name)
					}
				}
			case xml.EndElement:
				depth--
			case xml.ProcInst, xml.Directive:
				t.Fatalf("%q has %T", text, token)
			}
		}
	})
}
