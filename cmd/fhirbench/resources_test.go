package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// testReferences names one resource of each kind.
func testReferences() *references {
	refs := new(references)
	for k := range kinds {
		refs[k] = []byte(k.typeName() + "/0f8fad5b-d9cb-469f-a165-70867728950e")
	}
	return refs
}

func TestResource(t *testing.T) {
	for k := range kinds {
		t.Run(kindNames[k], func(t *testing.T) {
			first := resource{kind: k, seed: 7, refs: testReferences()}
			text := first.appendTo(nil)

			t.Run("is JSON of its type without an id", func(t *testing.T) {
				var got map[string]any
				if err := json.Unmarshal(text, &got); err != nil {
					t.Fatalf("%v in %s", err, text)
				}
				if got["resourceType"] != k.typeName() || got["id"] != nil {
					t.Errorf("resourceType %v, id %v", got["resourceType"], got["id"])
				}
				for _, slot := range []string{"${", "#{"} {
					if bytes.Contains(text, []byte(slot)) {
						t.Errorf("a slot was left: %s", text)
					}
				}
			})
			t.Run("is the same for the same seed", func(t *testing.T) {
				if again := first.appendTo(nil); !bytes.Equal(again, text) {
					t.Errorf("got %s\nthen %s", text, again)
				}
				other := first
				other.seed++
				if bytes.Equal(other.appendTo(nil), text) {
					t.Error("another seed gave the same text")
				}
			})
			t.Run("changes by its revision only", func(t *testing.T) {
				changed := first
				changed.revision, changed.id = 1, []byte("abc")
				got := string(changed.appendTo(nil))
				back := strings.Replace(got, `"id":"abc",`, "", 1)
				if got == back {
					t.Errorf("the id is not in %s", got)
				}
				if back == string(text) || len(back) != len(text) {
					t.Fatalf("revision 1 has %d bytes, revision 0 %d; want the same number and another text", len(back), len(text))
				}
				differ := 0
				for i := range text {
					if text[i] != back[i] {
						differ++
					}
				}
				if differ > 2 {
					t.Errorf("%d bytes differ", differ)
				}
			})
		})
	}
}

// TestBodySizes holds the walk of W1 to the sizes that the public comparison
// names: 0.8 to 8 kB, 2.15 kB on average.
func TestBodySizes(t *testing.T) {
	var all int
	const seeds = 200
	for k := patient; k <= explanationOfBenefit; k++ {
		var sum int
		for seed := range uint64(seeds) {
			r := resource{kind: k, seed: seed, refs: testReferences()}
			n := len(r.appendTo(nil))
			if n < 700 || n > 8192 {
				t.Errorf("%s has %d bytes", kindNames[k], n)
			}
			sum += n
		}
		t.Logf("%-22s %5d", kindNames[k], sum/seeds)
		all += sum
	}
	if mean := all / seeds / 9; mean < 2100 || mean > 2200 {
		t.Errorf("the average body has %d bytes, want 2150 ± 50", mean)
	}
}

func TestCompile(t *testing.T) {
	for _, bad := range []string{`{"a":"${nothing}"}`, `{"a":"${ref:Nothing}"}`, `{"a":"#{int:1}"}`, `{"a":"${places.nothing}"}`,
		`{"a":"${digits:x}"}`, `{"a":"${uuid"`, `{"a":"${uuid"}]`} {
		if got, err := compile([]byte(bad)); err == nil {
			t.Errorf("compile(%s) = %v, want an error", bad, got)
		}
	}
	got, err := compile([]byte(`{ "a" : "costs 5$ or #1", "n" : "#{int:3:3}" }`))
	if err != nil {
		t.Fatal(err)
	}
	rng := random(1)
	var out []byte
	for _, p := range got {
		out = append(out, p.text...)
		if p.slot.op == opDecimal {
			out = appendDecimal(out, &rng, p.slot.low, p.slot.high, p.slot.digits)
		}
	}
	if want := `{"a":"costs 5$ or #1","n":3}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}

func TestAppendDecimal(t *testing.T) {
	for _, c := range []struct {
		low, high int64
		digits    int
		want      string
	}{{5, 5, 0, "5"}, {5, 5, 2, "5.00"}, {-3, -3, 1, "-3.0"}, {0, 0, 3, "0.000"}} {
		rng := random(1)
		if got := string(appendDecimal(nil, &rng, c.low, c.high, c.digits)); got != c.want {
			t.Errorf("appendDecimal(%d, %d, %d) = %s, want %s", c.low, c.high, c.digits, got, c.want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	refs, buffer := testReferences(), make([]byte, 0, 10_000)
	var seed uint64
	b.ReportAllocs()
	for b.Loop() {
		for k := patient; k <= explanationOfBenefit; k++ {
			seed++
			r := resource{kind: k, seed: seed, refs: refs}
			buffer = r.appendTo(buffer[:0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/9, "ns/resource")
}
