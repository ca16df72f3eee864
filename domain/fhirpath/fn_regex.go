package fhirpath

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"fhirlog/domain"
)

// Regular expressions are those of RE2, which take time linear in their input:
// no lookaround and no back-references. As FHIRPath asks, they are case-sensitive
// and a dot matches line ends too (https://hl7.org/fhirpath/N1/#matchesregex--string--boolean).

// regex is a compiled regular expression with the size of its automaton.
type regex struct {
	*regexp.Regexp
	states int
}

// maxStates bounds automata: x{1000} has a thousand states.
const maxStates = 20_000

// matching builds functions whose first argument is a regular expression. One
// that is a literal is compiled with the expression.
func matching(work func(k *call, s string, re *regexp.Regexp) (System, error)) builder {
	return func(c *compiler, n *Call, of program, args []program) (program, error) {
		flagsAt := 1 // the argument with the flags
		if n.Name == "replaceMatches" {
			flagsAt = 2
		}
		var fixed *regex
		pattern, isLiteral := literalText(n.Args[0])
		flags := ""
		if flagsAt < len(n.Args) {
			var ok bool
			flags, ok = literalText(n.Args[flagsAt])
			isLiteral = isLiteral && ok
		}
		if isLiteral && len(pattern) <= (Limits{}).withDefaults().MaxRegex {
			var err error
			if fixed, err = c.regex(n, pattern, flags); err != nil {
				return nil, err
			}
		}
		return withText(func(k *call, s, pattern string) (System, error) {
			re := fixed
			if re == nil {
				var err error
				if re, err = k.regex(pattern, flagsAt); err != nil {
					return nil, err
				}
			}
			// Matching takes time by the product of length and states.
			if err := c.spend(k.r, n.At, len(s)*re.states/8); err != nil {
				return nil, err
			}
			return work(k, s, re.Regexp)
		})(c, n, of, args)
	}
}

// regex compiles an expression that is known only now.
func (k *call) regex(pattern string, flagsAt int) (*regex, error) {
	if len(pattern) > k.r.limits.MaxRegex {
		return nil, k.c.fault(k.n.At, domain.TooCostly, "a regular expression has at most %d bytes", k.r.limits.MaxRegex)
	}
	flags, _, err := k.text(flagsAt)
	if err != nil {
		return nil, err
	}
	re, err := k.c.regex(k.n, pattern, flags)
	if err != nil {
		return nil, err
	}
	return re, k.c.spend(k.r, k.n.At, 100+10*re.states)
}

func literalText(n Node) (string, bool) {
	literal, ok := n.(*Literal)
	if !ok {
		return "", false
	}
	s, ok := literal.Value.(String)
	return string(s), ok
}

// regex compiles a regular expression with its flags: i for any case, m for
// lines.
func (c *compiler) regex(n *Call, pattern, flags string) (*regex, error) {
	if strings.Trim(flags, "im") != "" {
		return nil, c.fault(n.At, domain.Invalid, "%s() knows the flags 'i' and 'm'", n.Name)
	}
	source := "(?s" + flags + ")" + pattern
	if n.Name == "matchesFull" {
		source = "(?s" + flags + `)\A(?:` + pattern + `)\z`
	}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		reason := err.Error()
		if fault, ok := errors.AsType[*syntax.Error](err); ok {
			reason = fault.Code.String() // without the pattern, which may come from the resource
		}
		return nil, c.fault(n.At, domain.Invalid, "%s() cannot read the regular expression: %s", n.Name, reason)
	}
	automaton, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(automaton.Inst) > maxStates {
		return nil, c.fault(n.At, domain.TooCostly, "the regular expression of %s() has more than %d states", n.Name, maxStates)
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, c.fault(n.At, domain.Invalid, "%s() cannot read the regular expression", n.Name)
	}
	return &regex{re, len(automaton.Inst)}, nil
}

// matches is matches() and matchesFull().
func matches(_ *call, s string, re *regexp.Regexp) (System, error) {
	return Boolean(re.MatchString(s)), nil
}

// replaceMatches replaces every match; $1 or ${name} stands for what a group
// matched. An empty pattern replaces nothing.
func replaceMatches(k *call, s string, re *regexp.Regexp) (System, error) {
	with, ok, err := k.text(1)
	if !ok || err != nil {
		return nil, err
	}
	if pattern, _, _ := k.text(0); pattern == "" {
		return String(s), nil
	}
	template := groupTemplate(with)
	var result []byte
	end := 0
	for _, match := range re.FindAllStringSubmatchIndex(s, -1) {
		result = re.ExpandString(append(result, s[end:match[0]]...), template, s, match)
		end = match[1]
		if err := k.fits(len(result)); err != nil {
			return nil, err
		}
	}
	return k.made(string(append(result, s[end:]...)))
}

// groupTemplate turns $1 into ${1}, since Go would read $1st as a name, and \$
// into a plain dollar sign.
func groupTemplate(with string) string {
	if !strings.ContainsAny(with, `$\`) {
		return with
	}
	var b strings.Builder
	for i := 0; i < len(with); i++ {
		switch {
		case with[i] == '\\' && i+1 < len(with):
			i++
			if with[i] == '$' {
				b.WriteByte('$')
			}
			b.WriteByte(with[i])
		case with[i] == '$' && i+1 < len(with) && isDigit(with[i+1]):
			b.WriteString("${" + with[i+1:i+2] + "}")
			i++
		default:
			b.WriteByte(with[i])
		}
	}
	return b.String()
}
