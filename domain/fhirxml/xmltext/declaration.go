package xmltext

import (
	"bytes"
	"strings"
)

// prolog reads the byte order mark and the XML declaration, if they are there.
func (s *Scanner) prolog() {
	if bytes.HasPrefix(s.src, []byte("\uFEFF")) {
		s.at = len("\uFEFF")
	}
	const start = "<?xml"
	if !bytes.HasPrefix(s.src[s.at:], []byte(start)) || s.at+len(start) < len(s.src) && nameBytes[s.src[s.at+len(start)]] {
		return
	}
	length := bytes.Index(s.src[s.at:], []byte("?>"))
	if length < 0 {
		s.fail(s.at, "the XML declaration is not closed: ?> is missing")
		return
	}
	begin := s.at
	if wrong := checkDeclaration(string(s.src[begin+len(start) : begin+length])); wrong != "" {
		s.fail(begin, wrong)
		return
	}
	s.at = begin + length + len("?>")
}

// checkDeclaration checks what stands in <?xml …?>.
func checkDeclaration(text string) (wrong string) {
	const malformed = `the XML declaration is malformed; it looks like <?xml version="1.0" encoding="UTF-8"?>`
	wanted := []string{"version", "encoding", "standalone"}
	first := true
	for {
		trimmed := strings.TrimLeft(text, " \t\r\n")
		if trimmed == "" {
			break
		}
		name, rest, ok := strings.Cut(trimmed, "=")
		name, rest = strings.TrimRight(name, " \t\r\n"), strings.TrimLeft(rest, " \t\r\n")
		if !ok || len(trimmed) == len(text) || rest == "" || rest[0] != '"' && rest[0] != '\'' {
			return malformed
		}
		end := strings.IndexByte(rest[1:], rest[0])
		for len(wanted) > 0 && wanted[0] != name {
			wanted = wanted[1:]
		}
		if end < 0 || len(wanted) == 0 || first && name != "version" {
			return malformed
		}
		value := rest[1 : 1+end]
		switch name {
		case "version":
			if value != "1.0" {
				return "only XML 1.0 is read here"
			}
		case "encoding":
			if !strings.EqualFold(value, "utf-8") {
				return "only UTF-8 is read here"
			}
		case "standalone":
			if value != "yes" && value != "no" {
				return malformed
			}
		}
		first, wanted, text = false, wanted[1:], rest[2+end:]
	}
	if first {
		return malformed
	}
	return ""
}

// declaration reads what begins with <!: a comment or a CDATA section.
func (s *Scanner) declaration() bool {
	start := s.at
	rest := s.src[start:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		end := bytes.Index(rest[4:], []byte("--"))
		if end < 0 || 4+end+2 >= len(rest) || rest[4+end+2] != '>' {
			return s.fail(start, "a comment ends in --> and holds no other --")
		}
		return s.verbatim(Comment, start+4+end+3)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")) && len(s.open) > 0:
		end := bytes.Index(rest, []byte("]]>"))
		if end < 0 {
			return s.fail(start, "the CDATA section is not closed: ]]> is missing")
		}
		return s.verbatim(CData, start+end+3)
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		return s.fail(start, "a document type is not allowed: nothing may be declared or fetched")
	}
	return s.fail(start, "this is neither a comment nor a CDATA section")
}

// instruction reads a processing instruction.
func (s *Scanner) instruction() bool {
	start := s.at
	if s.options.Fragment {
		return s.fail(start, "processing instructions are not allowed here")
	}
	end := bytes.Index(s.src[start:], []byte("?>"))
	if end < 0 {
		return s.fail(start, "the processing instruction is not closed: ?> is missing")
	}
	name, wrong := scanName(s.src, start+2)
	if wrong != "" || name.HasPrefix() || int(name.End) != start+end && !isSpace(s.src[name.End]) {
		return s.fail(start, "a processing instruction begins with its name")
	}
	if strings.EqualFold(string(s.Local(name)), "xml") {
		return s.fail(start, "the XML declaration stands at the very beginning of the text, if anywhere")
	}
	return s.verbatim(Instruction, start+end+2)
}

// verbatim makes a token of what is not looked into, up to end.
func (s *Scanner) verbatim(kind Kind, end int) bool {
	for i, c := range s.src[s.at:end] {
		if c < ' ' && !isSpace(c) {
			return s.fail(s.at+i, noCharacter)
		}
	}
	s.Token = Token{Kind: kind, Start: s.at, End: end}
	s.at = end
	return true
}
