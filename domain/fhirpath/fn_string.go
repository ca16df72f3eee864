package fhirpath

import (
	"strings"
	"unicode/utf8"
)

// Positions in strings count characters from 0.

func indexOf(_ *call, s, part string) (System, error) {
	return characterAt(s, strings.Index(s, part)), nil
}

func lastIndexOf(_ *call, s, part string) (System, error) {
	return characterAt(s, strings.LastIndex(s, part)), nil
}

// characterAt turns a byte offset into a position; -1 stays.
func characterAt(s string, offset int) System {
	if offset < 0 {
		return Integer(-1)
	}
	return Integer(utf8.RuneCountInString(s[:offset]))
}

func substring(k *call, s string) (System, error) {
	start, ok, err := k.integer(0)
	if !ok || err != nil {
		return nil, err
	}
	size, sized, err := k.integer(1)
	if err != nil {
		return nil, err
	}
	from := offsetOf(s, start)
	if start < 0 || from == len(s) {
		return nil, nil
	}
	s = s[from:]
	if sized {
		s = s[:offsetOf(s, max(0, size))]
	}
	return String(s), nil
}

// offsetOf returns the byte offset of a position, at most the length.
func offsetOf(s string, position int) int {
	for offset := range s {
		if position <= 0 {
			return offset
		}
		position--
	}
	return len(s)
}

func startsWith(_ *call, s, part string) (System, error) {
	return Boolean(strings.HasPrefix(s, part)), nil
}

func endsWith(_ *call, s, part string) (System, error) {
	return Boolean(strings.HasSuffix(s, part)), nil
}

func contains(_ *call, s, part string) (System, error) {
	return Boolean(strings.Contains(s, part)), nil
}

func upper(k *call, s string) (System, error) { return k.made(strings.ToUpper(s)) }

func lower(k *call, s string) (System, error) { return k.made(strings.ToLower(s)) }

func trim(_ *call, s string) (System, error) { return String(strings.TrimSpace(s)), nil }

func length(_ *call, s string) (System, error) { return Integer(utf8.RuneCountInString(s)), nil }

// replace replaces every occurrence; an empty pattern is found between all
// characters.
func replace(k *call, s, pattern string) (System, error) {
	with, ok, err := k.text(1)
	if !ok || err != nil {
		return nil, err
	}
	if err := k.fits(len(s) + strings.Count(s, pattern)*len(with)); err != nil {
		return nil, err
	}
	return k.made(strings.ReplaceAll(s, pattern, with))
}

// made returns a string that the function has made, within the limit.
func (k *call) made(s string) (System, error) { return k.c.made(k.r, k.n.At, s) }

// fits checks the size of a string before it is made.
func (k *call) fits(size int) error {
	if size > k.r.limits.MaxText {
		return k.c.tooLong(k.r, k.n.At)
	}
	return nil
}

func toChars(k *call, dst Collection) (Collection, error) {
	s, ok, err := k.inputText()
	if !ok || err != nil {
		return dst, err
	}
	return k.appendTexts(dst, strings.Split(s, ""))
}

func split(k *call, dst Collection) (Collection, error) {
	s, ok, err := k.inputText()
	if !ok || err != nil {
		return dst, err
	}
	separator, ok, err := k.text(0)
	if !ok || err != nil {
		return dst, err
	}
	return k.appendTexts(dst, strings.Split(s, separator))
}

// join joins all items with a separator, by default none.
func join(k *call, dst Collection) (Collection, error) {
	separator, _, err := k.text(0)
	if err != nil || len(k.in) == 0 {
		return dst, err
	}
	parts := make([]string, len(k.in))
	size := 0
	for i := range k.in {
		v, ok := k.in[i].System()
		s, isText := v.(String)
		if ok && !isText {
			return nil, k.fault("is called on Strings, and there is a %s", v.SystemType())
		}
		if !ok && k.in[i].typ != nil && !isTextFormat(k.in[i].typ.Format) {
			return nil, k.fault("is called on Strings, and there is a %s", k.in[i].Type().Name)
		}
		parts[i] = string(s)
		size += len(s) + len(separator)
	}
	if err := k.fits(size); err != nil {
		return nil, err
	}
	v, err := k.made(strings.Join(parts, separator))
	return appendSystem(dst, v), err
}

// inputText returns the input as a single string.
func (k *call) inputText() (s string, ok bool, err error) {
	v, err := k.c.single(k.in, k.n.At, role{"what %s() is called on", k.n.Name})
	if v == nil || err != nil {
		return "", false, err
	}
	text, ok := v.(String)
	if !ok {
		return "", false, k.fault("is called on a String, not a %s", v.SystemType())
	}
	return string(text), true, nil
}

// appendTexts appends strings that are parts of the input.
func (k *call) appendTexts(dst Collection, texts []string) (Collection, error) {
	if err := k.c.spend(k.r, k.n.At, len(texts)); err != nil {
		return nil, err
	}
	for _, text := range texts {
		dst = append(dst, NewItem(String(text)))
	}
	return dst, nil
}
