package search

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"fhirlog/domain/fhirjson"
)

func TestNumberKey(t *testing.T) {
	ordered := []float64{math.Inf(-1), -math.MaxFloat64, -2, -1.5, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 0.1, 1, 1e300, math.Inf(1)}
	for i, f := range ordered {
		key := NumberKey(f)
		if got := KeyNumber(key); got != f {
			t.Errorf("%g comes back as %g", f, got)
		}
		if key == math.MinInt64 || key == math.MaxInt64 {
			t.Errorf("the key of %g is that of an open end", f)
		}
		if i > 0 && key <= NumberKey(ordered[i-1]) {
			t.Errorf("%g is not after %g", f, ordered[i-1])
		}
	}
	if NumberKey(math.Copysign(0, -1)) != NumberKey(0) {
		t.Error("-0 differs from 0")
	}
}

// The ranges of https://hl7.org/fhir/R4/search.html#number, where an exponent
// leaves the digits before it as the precise ones.
func TestParseDecimal(t *testing.T) {
	tests := []struct{ text, value, low, high string }{ // empty value: no number
		{"100", "100", "99.5", "100.5"},
		{"100.00", "100", "99.995", "100.005"},
		{"1e2", "100", "50", "150"},
		{"1.0E2", "100", "95", "105"},
		{"5.40e-3", "0.0054", "0.005395", "0.005405"},
		{"0", "0", "-0.5", "0.5"},
		{"-7.5", "-7.5", "-7.55", "-7.45"},
		{"+7", "7", "6.5", "7.5"},
		{"007", "7", "6.5", "7.5"},
		{"1234567890123456789012345678901234567890", "1234567890123456789012345678901234567890", "1234567890123456789012345678901234567889.5", "1234567890123456789012345678901234567890.5"},
		{"1e300", "1e300", "0.5e300", "1.5e300"},
		{"1e-300", "1e-300", "0.5e-300", "1.5e-300"},
		{"", "", "", ""}, {"-", "", "", ""}, {".5", "", "", ""}, {"5.", "", "", ""}, {"1.2.3", "", "", ""}, {"1e", "", "", ""}, {"e1", "", "", ""},
		{"1e301", "", "", ""}, {"1e-301", "", "", ""}, {"1e99999", "", "", ""}, {"1e999999999999", "", "", ""}, {"0x10", "", "", ""}, {"1_000", "", "", ""},
		{"NaN", "", "", ""}, {"Inf", "", "", ""}, {" 1", "", "", ""}, {"1 ", "", "", ""}, {"--1", "", "", ""}, {"1e+-1", "", "", ""}, {"1e1_0", "", "", ""},
		{strings.Repeat("1", 41), "", "", ""},
	}
	for _, test := range tests {
		d, ok := ParseDecimal(test.text)
		if ok != (test.value != "") {
			t.Errorf("ParseDecimal(%q): ok %v", test.text, ok)
			continue
		}
		if !ok {
			continue
		}
		low, high := d.Precision()
		for _, part := range []struct {
			name string
			got  Decimal
			want string
		}{{"value", d, test.value}, {"low", low, test.low}, {"high", high, test.high}} {
			want, _ := new(big.Rat).SetString(part.want)
			if part.got.rat().Cmp(want) != 0 {
				t.Errorf("ParseDecimal(%q): %s %s, want %s", test.text, part.name, part.got.rat(), part.want)
			}
		}
	}
}

func TestDecimalArithmetic(t *testing.T) {
	d, _ := ParseDecimal("2.5")
	low, high := d.Scale(-2, 5).Precision() // -1 ± 0.02
	wantLow, _ := ParseDecimal("-1.02")
	wantHigh, _ := ParseDecimal("-0.98")
	if low.Cmp(wantLow) != 0 || high.Cmp(wantHigh) != 0 {
		t.Errorf("2.5 · -2/5 is between %s and %s", low.rat(), high.rat())
	}
	sum := d.Add(DecimalOf(-3))
	if half, _ := ParseDecimal("-0.5"); sum.Cmp(half) != 0 || sum.Sign() != -1 || sum.Neg().Sign() != 1 {
		t.Errorf("2.5 - 3 = %s", sum.rat())
	}
	if sumLow, _ := sum.Precision(); sumLow.Cmp(DecimalOf(0)) >= 0 || sum.unit().Cmp(d.unit()) != 0 {
		t.Errorf("the sum has the precision %s", sum.unit())
	}
	var zero Decimal
	if zero.Cmp(DecimalOf(0)) != 0 || zero.Key() != NumberKey(0) || zero.Add(d).Cmp(d) != 0 || zero.Neg().Sign() != 0 {
		t.Error("the zero Decimal is not 0")
	}
	if d.Key() != NumberKey(2.5) {
		t.Error("the key of 2.5 is another")
	}
}

// FuzzParseDecimal compares with math/big and strconv, checks the order of the
// keys, and that queries and resources come to the same key.
func FuzzParseDecimal(f *testing.F) {
	for _, pair := range [][2]string{{"1", "2"}, {"-0.0", "0"}, {"1e10", "10000000000"}, {"0.1", "0.10000000000000001"}, {"123456789012345678", "1.5e-7"}, {"9007199254740993", "1"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, okX := ParseDecimal(a)
		y, okY := ParseDecimal(b)
		if !okX || !okY {
			return
		}
		if want, ok := new(big.Rat).SetString(a); !ok || want.Cmp(x.rat()) != 0 {
			t.Errorf("ParseDecimal(%q) = %s, want %s", a, x.rat(), want)
		}
		if got := cmp.Compare(x.Key(), y.Key()); got != 0 && got != x.Cmp(y) {
			t.Errorf("the keys of %q and %q are in another order", a, b)
		}
		if low, high := x.Precision(); low.Cmp(x) > 0 || x.Cmp(high) > 0 {
			t.Errorf("%q is not within its precision", a)
		}
		keyA, keyB := AppendInt64Component(nil, x.Key()), AppendInt64Component(nil, y.Key())
		if bytes.Compare(keyA, keyB) != cmp.Compare(x.Key(), y.Key()) {
			t.Errorf("the components of %q and %q are in another order", a, b)
		}
		if document, err := fhirjson.Parse([]byte(a), fhirjson.Limits{}); err == nil {
			if key, ok := numberKey(document.Root()); !ok || key != x.Key() {
				t.Errorf("%q has the key %d in a resource, %d in a query", a, key, x.Key())
			}
		}
	})
}

func TestSimpleFloat(t *testing.T) {
	for _, text := range []string{"0", "-0", "5", "-5.40", "0.1", "123456789012345", "999999999999999", "0.00000000000001", "37.000", "-99999.9999999999"} {
		want, _ := strconv.ParseFloat(text, 64)
		if got, ok := simpleFloat([]byte(text)); !ok || got != want {
			t.Errorf("simpleFloat(%q) = %g, %v, want %g", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1e5", "1.2.3", "1234567890123456", "0.000000000000001", "+1", "NaN"} {
		if got, ok := simpleFloat([]byte(text)); ok {
			t.Errorf("simpleFloat(%q) = %g, want none", text, got)
		}
	}
}
