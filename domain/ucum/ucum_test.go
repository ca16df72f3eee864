package ucum

import (
	"math/big"
	"testing"

	"github.com/cockroachdb/apd/v3"
)

func parsed(t testing.TB, code string) Unit {
	t.Helper()
	u, err := Parse(code)
	if err != nil {
		t.Fatalf("Parse(%q): %v", code, err)
	}
	return u
}

func TestParseGivesBaseUnits(t *testing.T) {
	for code, want := range map[string]string{
		"1":             "1",
		"{beats}":       "1",
		"%":             "1",
		"/min":          "s-1",
		"{beats}/min":   "s-1",
		"10*9/L":        "m-3",
		"10^-3":         "1",
		"mm[Hg]":        "g.m-1.s-2",
		"kg/m2":         "g.m-2",
		"mL/min/{1.73}": "m3.s-1",
		"J/(kg.K)":      "K-1.m2.s-2",
		"m.s-1.m-1":     "s-1",
		"[iU]/L":        "[iU].m-3",
		"k[IU]/mL":      "[iU].m-3",
		"2.[in_i]":      "m",
		"Cel":           "K",
		"mCel":          "K",
		"dam":           "m",
		"(mg)":          "g",
		"umol/l":        "m-3",
	} {
		if got := parsed(t, code).Dimension(); got != want {
			t.Errorf("Parse(%q).Dimension() = %q, want %q", code, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, code := range []string{"", "lbs", "[s]", "kmin", "m//s", "m/", "(m", "m)", "m{x", "m99", "m-", "m0", "0.m", "mg dL", "µg", "10*9999", "d[d]", "dkm", "..", "{a}{b}", "m.{",
		"Ym64.Ym64.Ym64.Ym64.Ym64.Ym64", "1e3"} {
		if u, err := Parse(code); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", code, u.Dimension())
		}
	}
}

func TestFactorTo(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     string // "" if there is none
	}{
		{"g", "mg", "1000/1"},
		{"mg/dL", "g/L", "1/100"},
		{"[in_i]", "cm", "127/50"},
		{"[lb_av]", "g", "45359237/100000"},
		{"wk", "d", "7/1"},
		{"a", "mo", "12/1"},
		{"mm[Hg]", "Pa", "66661/500"},
		{"h", "s", "3600/1"},
		{"L", "cm3", "1000/1"},
		{"mmol/L", "umol/mL", "1/1"},
		{"U", "nkat", "50/3"},
		{"att", "Pa", "196133/2"},
		{"[HP]", "W", "37284993579113511/50000000000000"},
		{"Ao", "m", "1/10000000000"},
		{"Cel", "Cel", "1/1"},
		{"Cel", "K", ""},
		{"g", "m", ""},
		{"[iU]", "U", ""},
	} {
		factor, ok := parsed(t, test.from).FactorTo(parsed(t, test.to))
		got := ""
		if ok {
			got = factor.String()
		}
		if got != test.want {
			t.Errorf("%s to %s: factor %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

func TestConvert(t *testing.T) {
	for _, test := range []struct{ value, from, to, want string }{
		{"37", "Cel", "[degF]", "98.6"},
		{"98.6", "[degF]", "Cel", "37"},
		{"0", "K", "Cel", "-273.15"},
		{"72.5", "kg", "g", "72500"},
		{"1", "d", "wk", "0.1428571428571428571428571429"},
		{"1.5", "m", "s", ""},
	} {
		value, _, err := apd.NewFromString(test.value)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if converted, ok := Convert(value, parsed(t, test.from), parsed(t, test.to)); ok {
			got = converted.Text('f')
		}
		if got != test.want {
			t.Errorf("Convert(%s %s to %s) = %q, want %q", test.value, test.from, test.to, got, test.want)
		}
	}
}

func TestBaseAndBack(t *testing.T) {
	value := big.NewRat(12345, 678)
	for _, code := range []string{"1", "mg/dL", "Cel", "mCel", "[degF]", "[pi]", "U/L"} {
		u := parsed(t, code)
		if got := u.FromBase(u.ToBase(value)); got.Cmp(value) != 0 {
			t.Errorf("%s: %s became %s", code, value, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, code := range []string{"mg/dL", "10*9/L", "{a}/min", "(m.s)-2", "mm[Hg]", "/", "[in_i]2"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		u, err := Parse(code)
		if err != nil {
			return
		}
		again, err := Parse(u.Dimension())
		if err != nil && len(u.Dimension()) <= maxCode && !hugeExponent(u) || err == nil && !again.Comparable(u) {
			t.Errorf("Parse(%q): the dimension %q gives %v", code, u.Dimension(), err)
		}
	})
}

// hugeExponent tells whether an exponent grew beyond what a code may spell.
func hugeExponent(u Unit) bool {
	for _, p := range u.powers {
		if max(p.exponent, -p.exponent) > maxExponent {
			return true
		}
	}
	return false
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("mg/dL"); err != nil {
			b.Fatal(err)
		}
	}
}
