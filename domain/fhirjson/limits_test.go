package fhirjson

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

func TestParseLimitsDepth(t *testing.T) {
	tests := []struct {
		name      string
		limit     int
		depth     int
		wantFault bool
	}{
		{"default allows 256", 0, 256, false},
		{"default refuses 257", 0, 257, true},
		{"given limit is exact", 3, 3, false},
		{"one more is refused", 3, 4, true},
		{"nothing beyond 10,000", 1 << 30, 10_001, true},
		{"10,000 on request", 1 << 30, 10_000, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := []byte(strings.Repeat("[", test.depth) + strings.Repeat("]", test.depth))
			_, err := Parse(src, Limits{MaxDepth: test.limit})
			if (err != nil) != test.wantFault {
				t.Fatalf("Parse of %d levels with limit %d = %v", test.depth, test.limit, err)
			}
			if fault, ok := errors.AsType[*SyntaxError](err); ok {
				if int(fault.Offset) != test.depth-1 || !strings.Contains(fault.Message, "nested too deeply") {
					t.Errorf("Parse fails with %v, want it at byte %d", fault, test.depth-1)
				}
				if len(fault.Path) > greatestPath+len("…") {
					t.Errorf("the path has %d bytes, want at most about %d", len(fault.Path), greatestPath)
				}
			}
		})
	}
}

func TestParseRefusesAMillionLevels(t *testing.T) {
	for _, text := range []string{strings.Repeat("[", 1_000_000), strings.Repeat(`{"a":`, 1_000_000)} {
		if _, err := Parse([]byte(text), Limits{MaxDepth: 1 << 30}); err == nil {
			t.Error("Parse accepts a million levels")
		}
	}
}

func TestParseLimitsNodes(t *testing.T) {
	for _, limit := range []int{1, 2, 5, 511, 512, 513, 5000, 9000, 20_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			full := []byte("[0" + strings.Repeat(",0", max(limit-2, 0)) + "]")
			if limit == 1 {
				full = []byte("0")
			}
			d, err := Parse(full, Limits{MaxNodes: limit})
			if err != nil || len(d.nodes) != limit {
				t.Fatalf("Parse of %d values = %v, want no error", limit, err)
			}
			checkTree(t, d)
			more := []byte("[0" + strings.Repeat(",0", limit-1) + "]")
			_, err = Parse(more, Limits{MaxNodes: limit})
			fault, ok := errors.AsType[*SyntaxError](err)
			if !ok || !strings.Contains(fault.Message, "too many values") {
				t.Fatalf("Parse of %d values with limit %d = %v", limit+1, limit, err)
			}
			if want := len(more) - 2; int(fault.Offset) != want {
				t.Errorf("refused at byte %d, want %d", fault.Offset, want)
			}
		})
	}
}

func TestParseLimitsNames(t *testing.T) {
	for length, ok := range map[int]bool{greatestName: true, greatestName + 1: false} {
		name := strings.Repeat("n", length)
		d, err := Parse([]byte(`{"a":{"`+name+`":1}}`), Limits{})
		if (err == nil) != ok {
			t.Fatalf("Parse with a name of %d bytes = %v", length, err)
		}
		if ok && string(d.Root().Get("a").First().Name()) != name {
			t.Errorf("a name of %d bytes is not read back", length)
		}
		if fault, isFault := errors.AsType[*SyntaxError](err); isFault && (fault.Offset != 6 || fault.Path != "$.a") {
			t.Errorf("Parse fails with %v, want it at byte 6, $.a", fault)
		}
	}
}

// TestHostileObjects: work on objects with very many members must grow with
// their number, not with its square, however they are named. The square of so
// many would not end before the test is stopped.
func TestHostileObjects(t *testing.T) {
	for _, format := range []string{`"%d"`, `"aaaaaaaa%06d"`, `"\u0061aaaaaa%06d"`} {
		t.Run(format, func(t *testing.T) { hostileWork(t, format, 500_000) })
	}
}

// hostileWork parses an object of n members, compares it with its reverse, and
// has a repeated member refused.
func hostileWork(t *testing.T, format string, n int) {
	t.Helper()
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(format+`:1`, i)
	}
	text := "{" + strings.Join(parts, ",") + "}"
	slices.Reverse(parts)
	reversed := "{" + strings.Join(parts, ",") + "}"
	repeating := []byte(text[:len(text)-1] + `,` + fmt.Sprintf(format, 0) + `:2}`)

	d, other := mustParse(t, text), mustParse(t, reversed)
	if !Equal(d.Root(), other.Root()) {
		t.Error("Equal says no to the same members in reverse")
	}
	_, err := Parse(repeating, Limits{})
	fault, ok := errors.AsType[*SyntaxError](err)
	if !ok || int(fault.Offset) != len(text) || !strings.Contains(fault.Message, "more than one member") {
		t.Errorf("Parse with a repeated member = %v", err)
	}
}

func TestManyTwinsAreRefused(t *testing.T) {
	_, err := Parse([]byte(manyMembers(40)[:1]+strings.Repeat(`"a":1,`, 1_000_000)+`"b":1}`), Limits{})
	if fault, ok := errors.AsType[*SyntaxError](err); !ok || fault.Offset != 7 {
		t.Errorf("Parse = %v, want the second member refused", err)
	}
	unseen := manyMembers(40)
	_, err = Parse([]byte(unseen[:len(unseen)-1]+strings.Repeat(`,"a":1`, 1_000_000)+"}"), Limits{})
	if fault, ok := errors.AsType[*SyntaxError](err); !ok || int(fault.Offset) != len(unseen)+6 {
		t.Errorf("Parse = %v, want the second member named a refused", err)
	}
}

// TestParseMemory: a dense beginning must not make the parser reserve memory
// for a whole text of that density.
func TestParseMemory(t *testing.T) {
	src := []byte("[" + strings.Repeat("0,", 20_000) + `"` + strings.Repeat("x", 20<<20) + `"]`)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(src, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<20 {
		t.Errorf("Parse allocates %d bytes for 20,002 values", allocated)
	}
}

// TestNodeSize: large Bundles have millions of nodes.
func TestNodeSize(t *testing.T) {
	if got := unsafe.Sizeof(node{}); got != 20 {
		t.Errorf("a node takes %d bytes, the documentation says 20", got)
	}
}

// TestDocumentsAreIndependent: parsers are pooled, so a later Parse must not
// touch an earlier Document.
func TestDocumentsAreIndependent(t *testing.T) {
	texts := []string{observation(1), patient(), bundle(3), bundle(400), "[]", manyMembers(5000), bundle(20)}
	var documents []*Document
	for _, text := range texts {
		documents = append(documents, mustParse(t, text))
		if _, err := Parse([]byte(strings.TrimSpace(text)[1:]), Limits{}); err == nil {
			t.Error("Parse accepts a text without its beginning")
		}
	}
	for i, d := range documents {
		checkTree(t, d)
		want, err := oracleTokens([]byte(texts[i]))
		if err != nil {
			t.Fatal(err)
		}
		if got := treeTokens(nil, d.Root()); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("document %d changed", i)
		}
		if !bytes.Equal(d.Source(), []byte(texts[i])) {
			t.Errorf("document %d has another source", i)
		}
	}
}

// TestReleasedDocumentIsUnusable: a cursor kept too long must not show what
// was parsed into the same memory later.
func TestReleasedDocumentIsUnusable(t *testing.T) {
	for _, text := range []string{`{"a":"b"}`, bundle(20), bundle(400)} {
		d := mustParse(t, text)
		stale, kept := d.Root().First(), d.Root().Raw()
		d.Release()
		d.Release()
		later := mustParse(t, strings.ReplaceAll(text, "a", "c"))
		checkTree(t, later)
		if string(kept) != text || string(d.Source()) != text {
			t.Error("the bytes of a released Document changed")
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a Value of a released Document is still usable")
				}
			}()
			stale.Kind()
		}()
	}
}

// TestReleaseWhileOthersParse: released memory goes to one later Document
// only, also with many goroutines.
func TestReleaseWhileOthersParse(t *testing.T) {
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 100 {
				text := []string{observation(i), manyMembers(worker*100 + i), bundle(worker + 1)}[i%3]
				d := mustParse(t, text)
				want, err := oracleTokens([]byte(text))
				if err != nil || !slices.Equal(treeTokens(nil, d.Root()), want) {
					t.Errorf("worker %d, round %d: the tree is not that of its text (%v)", worker, i, err)
				}
				d.Release()
			}
		})
	}
	group.Wait()
}
