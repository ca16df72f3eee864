package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Positions are those of records, as ranges that are ascending and apart: first and
// last, both included.
type Positions [][2]uint64

// positionsBody is the body of an IDsErased.
type positionsBody struct {
	Positions Positions `json:"positions"`
}

// Add adds a position beyond all others.
func (p *Positions) Add(position uint64) {
	if n := len(*p); n > 0 && (*p)[n-1][1]+1 == position {
		(*p)[n-1][1] = position
		return
	}
	*p = append(*p, [2]uint64{position, position})
}

// AppendPositions appends the body of an IDsErased: {"positions":[[0,3],[7,7]]}.
func AppendPositions(dst []byte, p Positions) []byte {
	text, err := json.Marshal(positionsBody{p})
	if err != nil {
		panic("event: numbers cannot be written: " + err.Error())
	}
	return append(dst, text...)
}

// ParsePositions reads the body of an IDsErased that stands at a position: what it lists
// is before that. It takes what AppendPositions writes, and nothing else.
func ParsePositions(body []byte, at uint64) (Positions, error) {
	var b positionsBody
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, fmt.Errorf("event: the body lists no positions: %w", err)
	}
	before, some := uint64(0), false
	for _, r := range b.Positions {
		if r[0] > r[1] || r[1] >= at || some && r[0] <= before+1 {
			return nil, errors.New("event: the positions in the body are out of order")
		}
		before, some = r[1], true
	}
	if !some || !bytes.Equal(AppendPositions(nil, b.Positions), body) {
		return nil, errors.New("event: the body that lists positions is damaged")
	}
	return b.Positions, nil
}
