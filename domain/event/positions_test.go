package event

import (
	"reflect"
	"testing"
)

func TestPositions(t *testing.T) {
	for _, c := range []struct {
		positions []uint64
		body      string
	}{
		{[]uint64{0}, `{"positions":[[0,0]]}`},
		{[]uint64{0, 1, 2, 3, 7}, `{"positions":[[0,3],[7,7]]}`},
		{[]uint64{5, 7, 8, 1 << 40}, `{"positions":[[5,5],[7,8],[1099511627776,1099511627776]]}`},
	} {
		var p Positions
		for _, position := range c.positions {
			p.Add(position)
		}
		if got := string(AppendPositions(nil, p)); got != c.body {
			t.Errorf("AppendPositions = %s, want %s", got, c.body)
		}
		last := c.positions[len(c.positions)-1]
		if back, err := ParsePositions([]byte(c.body), last+1); err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("ParsePositions(%s) = %v, %v", c.body, back, err)
		}
		if _, err := ParsePositions([]byte(c.body), last); err == nil {
			t.Errorf("%s at %d lists itself", c.body, last)
		}
	}
}

func TestParsePositionsRefuses(t *testing.T) {
	for _, body := range []string{
		``, `{}`, `[]`, `{"positions":[]}`, `{"positions":null}`, `{"positions":[[1]]}`, `{"positions":[[2,1]]}`, `{"positions":[[1,2],[3,4]]}`,
		`{"positions":[[5,6],[1,2]]}`, `{"positions":[[1,1],[1,1]]}`, `{"positions":[[-1,1]]}`, `{"positions":[[1,1.5]]}`, `{"positions":[[1,2,3]]}`,
		`{"positions":[[1,2]],"more":1}`, ` {"positions":[[1,2]]}`, `{"positions":[[1,18446744073709551615]]}`, `{"Positions":[[1,2]]}`,
	} {
		if p, err := ParsePositions([]byte(body), 100); err == nil {
			t.Errorf("%s is read as %v", body, p)
		}
	}
}

func FuzzParsePositions(f *testing.F) {
	f.Add([]byte(`{"positions":[[0,3],[7,7]]}`), uint64(8))
	f.Add([]byte(`{"positions":[[5,5],[7,8],[1099511627776,1099511627776]]}`), uint64(1<<41))
	f.Fuzz(func(t *testing.T, body []byte, at uint64) {
		p, err := ParsePositions(body, at)
		if err != nil {
			return
		}
		var again Positions
		for _, r := range p {
			if r[1] >= at || r[1]-r[0] > 1000 {
				return
			}
			for position := r[0]; position <= r[1]; position++ {
				again.Add(position)
			}
		}
		if string(AppendPositions(nil, again)) != string(body) {
			t.Errorf("%s is read as %v", body, p)
		}
	})
}
