package httpapi

import (
	"math"
	"slices"
	"testing"
)

func TestTokens(t *testing.T) {
	s := newService(t, Options{TokenKey: []byte("k")}).s
	scope := []string{"ct", "/Patient", "name", "x"}
	for _, token := range []pageToken{
		{}, {snapshot: 1}, {snapshot: math.MaxUint64, start: math.MaxUint64, hasStart: true, backward: true, instant: math.MaxInt64, skip: math.MaxInt},
		{hasStart: true}, {backward: true}, {snapshot: 300, instant: 1_767_225_600_000}, {snapshot: 5, skip: 1000},
	} {
		text := s.sealToken(&token, scope)
		if got, ok := s.openToken(text, scope); !ok || got != token {
			t.Errorf("%+v reads back as %+v, %v", token, got, ok)
		}
		for _, other := range [][]string{nil, {"ct", "/Patient", "name", "y"}, {"ct", "/Patientname", "x"}, {"ct", "/Patient", "name", "x", ""}, {"ct", "/Patient", "namex", ""}} {
			if _, ok := s.openToken(text, other); ok {
				t.Errorf("%s is good for %q", text, other)
			}
		}
		for i := range text {
			changed := []byte(text)
			changed[i] ^= 1
			if got, ok := s.openToken(string(changed), scope); ok && got != token {
				t.Errorf("%s changed at %d reads as %+v", text, i, got)
			}
			if _, ok := s.openToken(text[:i], scope); ok {
				t.Errorf("%s cut at %d is good", text, i)
			}
		}
	}
	t.Run("the key", func(t *testing.T) {
		if !slices.Equal(tokenKey([]byte("a")), tokenKey([]byte("a"))) || slices.Equal(tokenKey([]byte("a")), tokenKey([]byte("b"))) || slices.Equal(tokenKey(nil), tokenKey(nil)) {
			t.Error("it must follow from the secret, and be made up without one")
		}
	})
}

// FuzzToken: nothing but what was sealed opens, and all of that does.
func FuzzToken(f *testing.F) {
	s := newService(f, Options{TokenKey: []byte("k")}).s
	f.Add(s.sealToken(&pageToken{snapshot: 7, start: 3, hasStart: true, instant: 1}, []string{"a"}), "a", uint64(1), uint64(2), int64(3), 4, true)
	f.Add("gAQRtRkrQdkimdzEisvoSSUO", "", uint64(0), uint64(0), int64(0), 0, false)
	f.Fuzz(func(t *testing.T, text, scope string, snapshot, start uint64, instant int64, skip int, flag bool) {
		if token, ok := s.openToken(text, []string{scope}); ok && s.sealToken(&token, []string{scope}) != text {
			t.Fatalf("%q opens as %+v", text, token)
		}
		token := pageToken{snapshot: snapshot, hasStart: flag, backward: !flag, instant: instant, skip: skip}
		if flag {
			token.start = start
		}
		if got, ok := s.openToken(s.sealToken(&token, []string{scope}), []string{scope}); !ok || got != token {
			t.Fatalf("%+v reads back as %+v, %v", token, got, ok)
		}
	})
}
