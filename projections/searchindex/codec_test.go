package searchindex

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// lows draws ascending offsets, sparse or dense.
func lows(r *rand.Rand, repeats bool) []uint16 {
	n := r.IntN(10)
	if r.IntN(2) == 0 {
		n = r.IntN(BlockSize)
	}
	list := make([]uint16, n)
	for i := range list {
		list[i] = uint16(r.IntN(BlockSize))
	}
	slices.Sort(list)
	if !repeats {
		list = slices.Compact(list)
	}
	return list
}

func TestPostingForms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, rand.Uint64()))
	for range 300 {
		want := lows(r, false)
		encoded := appendPosting(nil, want)
		if len(encoded) > 1+BlockSize/8 {
			t.Fatalf("%d offsets take %d bytes", len(want), len(encoded))
		}
		var s set
		if err := addPosting(&s, encoded); err != nil {
			t.Fatal(err)
		}
		var got []uint16
		s.each(func(low uint16) bool { got = append(got, low); return true })
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestColumnForm(t *testing.T) {
	r := rand.New(rand.NewPCG(2, rand.Uint64()))
	number := func() int64 {
		switch r.IntN(5) {
		case 0:
			return int64(r.Uint64())
		case 1:
			return math.MaxInt64 - int64(r.IntN(3))
		case 2:
			return math.MinInt64 + int64(r.IntN(3))
		}
		return int64(r.IntN(1000)) * 10_000_000
	}
	for range 300 {
		c := &column{}
		for _, low := range lows(r, true) {
			c.add(low, number(), number())
		}
		if len(c.lows) == 0 {
			continue
		}
		var got column
		if err := decodeColumn(&got, appendColumn(nil, c)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.lows, c.lows) || !slices.Equal(got.low, c.low) || !slices.Equal(got.high, c.high) {
			t.Fatalf("got %v, want %v", got, c)
		}
	}
}

// TestColumnIsSmall: days within a year take two bytes beside their offset.
func TestColumnIsSmall(t *testing.T) {
	const day = 24 * 3600 * 10_000_000
	c := &column{}
	for i := range 1000 {
		c.add(uint16(i), int64(i%365)*day, int64(i%365+1)*day)
	}
	if n := len(appendColumn(nil, c)); n > 3100 {
		t.Errorf("1000 days take %d bytes", n)
	}
}

func TestForwardForm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, rand.Uint64()))
	for range 200 {
		at := lows(r, true)
		leads := make([]uint32, len(at))
		names := make([]string, 1+r.IntN(40))
		for i := range names {
			names[i] = fmt.Sprint(r.IntN(1000), "\x00", i)
		}
		for i := range leads {
			leads[i] = uint32(r.IntN(len(names)))
		}
		var got forward
		if err := decodeForward(&got, appendForward(nil, at, leads, func(lead uint32) string { return names[lead] })); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.lows, at) || !slices.IsSortedFunc(got.targets, bytes.Compare) {
			t.Fatal("other offsets, or targets out of order")
		}
		for i := range leads {
			if string(got.targets[got.leads[i]]) != names[leads[i]] {
				t.Fatalf("reference %d leads to %q, want %q", i, got.targets[got.leads[i]], names[leads[i]])
			}
		}
	}
}

// FuzzDamage: whatever is on disk, reading it ends with a value or an error.
func FuzzDamage(f *testing.F) {
	f.Add(appendPosting(nil, []uint16{1, 5, 9}))
	f.Add(appendColumn(nil, &column{lows: []uint16{3}, low: []int64{math.MinInt64}, high: []int64{7}}))
	f.Add(appendForward(nil, []uint16{3, 4}, []uint32{0, 0}, func(uint32) string { return "x" }))
	f.Add(appendEndings(nil, []ending{{position: 3, by: 9, removed: true}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s set
		_ = addPosting(&s, b)
		_ = decodeColumn(&column{}, b)
		_ = decodeForward(&forward{}, b)
		_ = readEndings(b, 1, 2, func(e ending) {
			if blockOf(e.position) != 1 || blockOf(e.by) != 2 {
				t.Errorf("an ending of other blocks: %+v", e)
			}
		})
	})
}

func TestEndingsForm(t *testing.T) {
	want := []ending{{BlockSize, 2 * BlockSize, false}, {BlockSize, 2*BlockSize + 5, true}, {2*BlockSize - 1, 3*BlockSize - 1, false}}
	var got []ending
	if err := readEndings(appendEndings(nil, want), 1, 2, func(e ending) { got = append(got, e) }); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
