package jsondiff

import "fhirlog/domain/fhirjson"

// mostAligned bounds the pairs of elements that are compared to align two arrays. What
// is longer, beyond what is equal at both ends, is compared one by one.
const mostAligned = 1 << 16

// span is a part of both arrays that belongs together.
type span struct {
	aFrom, aTo, bFrom, bTo int
	equal                  bool // element for element
}

// align divides two arrays into spans that are equal and spans that are not.
func align(a, b []fhirjson.Value) []span {
	start := 0
	for start < len(a) && start < len(b) && fhirjson.Equal(a[start], b[start]) {
		start++
	}
	aEnd, bEnd := len(a), len(b)
	for aEnd > start && bEnd > start && fhirjson.Equal(a[aEnd-1], b[bEnd-1]) {
		aEnd--
		bEnd--
	}
	spans := append([]span(nil), span{0, start, 0, start, true})
	if (aEnd-start)*(bEnd-start) <= mostAligned {
		spans = append(spans, common(a[:aEnd], b[:bEnd], start)...)
	} else {
		spans = append(spans, span{start, aEnd, start, bEnd, false})
	}
	return append(spans, span{aEnd, len(a), bEnd, len(b), true})
}

// common finds the longest common subsequence of what begins at start, by the table
// of lengths.
func common(a, b []fhirjson.Value, start int) []span {
	n, m := len(a)-start, len(b)-start
	lengths := make([]uint32, (n+1)*(m+1)) // of what is common from i and j on
	same := make([]bool, n*m)
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			at := i*(m+1) + j
			if fhirjson.Equal(a[start+i], b[start+j]) {
				same[i*m+j] = true
				lengths[at] = lengths[at+m+2] + 1
			} else {
				lengths[at] = max(lengths[at+m+1], lengths[at+1])
			}
		}
	}
	var spans []span
	i, j, fromI, fromJ := 0, 0, 0, 0
	for i < n && j < m {
		switch at := i*(m+1) + j; {
		case same[i*m+j]:
			spans = append(spans, span{start + fromI, start + i, start + fromJ, start + j, false},
				span{start + i, start + i + 1, start + j, start + j + 1, true})
			i, j = i+1, j+1
			fromI, fromJ = i, j
		case lengths[at+m+1] >= lengths[at+1]:
			i++
		default:
			j++
		}
	}
	return append(spans, span{start + fromI, start + n, start + fromJ, start + m, false})
}
