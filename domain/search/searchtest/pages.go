package searchtest

import (
	"fmt"
	"slices"

	"fhirlog/domain/search"
)

// Pages is a whole search, page by page.
type Pages struct {
	Matches []uint64
	Total   int
	First   []uint64 // the matches of the first page
}

// Follow asks for all pages of a query, and checks that they fit together: the
// total is the same on each, and the page before a page is the one that led to
// it. An error names what does not fit.
func Follow(find func(search.PageRequest) (search.Page, error), q *search.Query, snapshot uint64, count int) (Pages, error) {
	var all Pages
	var before search.Page
	request := search.PageRequest{Query: q, Snapshot: snapshot, Count: count, Total: true}
	for number := 0; ; number++ {
		page, err := find(request)
		if err != nil {
			return all, err
		}
		switch {
		case len(page.Matches) > count:
			return all, fmt.Errorf("page %d has %d matches of at most %d", number, len(page.Matches), count)
		case page.HasNext && len(page.Matches) < count:
			return all, fmt.Errorf("page %d has %d matches of %d, and is not the last", number, len(page.Matches), count)
		case number > 0 && page.Total != all.Total:
			return all, fmt.Errorf("page %d tells a total of %d, and the first %d", number, page.Total, all.Total)
		case page.HasPrevious != (number > 0):
			return all, fmt.Errorf("page %d has a page before: %t", number, page.HasPrevious)
		}
		if number == 0 {
			all.First, all.Total = page.Matches, page.Total
		} else if err := goBack(find, request, page, before); err != nil {
			return all, fmt.Errorf("page %d: %w", number, err)
		}
		all.Matches = append(all.Matches, page.Matches...)
		if !page.HasNext {
			return all, nil
		}
		if len(all.Matches) > all.Total {
			return all, fmt.Errorf("there are %d matches up to page %d, of %d in all", len(all.Matches), number, all.Total)
		}
		before = page
		request.Cursor, request.HasCursor = page.Next, true
	}
}

func goBack(find func(search.PageRequest) (search.Page, error), r search.PageRequest, page, before search.Page) error {
	r.Cursor = page.Previous
	again, err := find(r)
	if err == nil && !slices.Equal(again.Matches, before.Matches) {
		err = fmt.Errorf("the page before is %v, and was %v", again.Matches, before.Matches)
	}
	return err
}

// Positions lists where versions stand.
func Positions(versions []*Version) []uint64 {
	positions := make([]uint64, len(versions))
	for i, v := range versions {
		positions[i] = v.Position
	}
	return positions
}
