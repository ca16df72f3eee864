package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What is asked of a shelf.
const (
	shelve       verb = "shelve"      // write a member
	shelvePair   verb = "shelve-pair" // write two, in one transaction
	unshelve     verb = "unshelve"    // hard delete a member
	forget       verb = "forget"      // purge its history
	listShelf    verb = "list"        // search for all, one page
	listSorted   verb = "list-sorted" // the same by id, which is sorted otherwise
	countShelf   verb = "count"
	shelfHistory verb = "shelf-history" // of the type
)

// membersOfShelf are more than an answer reads before it begins.
const membersOfShelf = 26

// shelfPlace is all resources of a type. A state lists the versions that are kept, id,
// version and text, in the order in which they were written: that of a search, as far
// as they are current, and of a history.
var shelfPlace = place{serveShelf, requestShelf, shownShelf}

// typeOfShelf is the type of a shelf. Of the second one no history is kept, so each
// write removes a version.
func typeOfShelf(at string) string {
	if strings.HasSuffix(at, "1") {
		return "Organization"
	}
	return "Location"
}

func keepsHistory(at string) bool { return typeOfShelf(at) == "Location" }

func memberOf(number int) string { return fmt.Sprintf("m%02d", number) }

func serveShelf(state string, c call) (string, heard) {
	kept := strings.FieldsFunc(state, func(c rune) bool { return c == '/' })
	switch c.verb {
	case shelve, shelvePair:
		r := heard{status: 200}
		for _, id := range strings.Fields(c.id) {
			version := 1
			if last := lastOf(kept, id); last >= 0 {
				version = versionIn(kept[last]) + 1
				if !keepsHistory(c.place) {
					kept = slices.Delete(kept, last, last+1)
				}
			}
			content := fmt.Sprintf("%s=%d,%s", id, version, c.text)
			kept = append(kept, content)
			if c.verb == shelve {
				r.version, r.content = version, content
				if version == 1 {
					r.status = 201
				}
			}
		}
		return strings.Join(kept, "/"), r
	case unshelve, forget:
		last := ""
		if at := lastOf(kept, c.id); at >= 0 && c.verb == forget {
			last = kept[at]
		}
		kept = slices.DeleteFunc(kept, func(one string) bool { return strings.HasPrefix(one, c.id+"=") && one != last })
		return strings.Join(kept, "/"), heard{status: 204}
	case shelfHistory:
		return state, heard{status: 200, content: state}
	}
	var current []string
	for i, one := range kept {
		if id, _, _ := strings.Cut(one, "="); lastOf(kept, id) == i {
			current = append(current, one)
		}
	}
	if c.verb == countShelf {
		return state, heard{status: 200, content: strconv.Itoa(len(current))}
	}
	if c.verb == listSorted {
		slices.Sort(current)
	}
	return state, heard{status: 200, content: strings.Join(current, "/")}
}

func lastOf(kept []string, id string) int {
	for i := len(kept) - 1; i >= 0; i-- {
		if strings.HasPrefix(kept[i], id+"=") {
			return i
		}
	}
	return -1
}

func versionIn(one string) int {
	_, version := idAndVersion(strings.ReplaceAll(one, ",", "="))
	return version
}

func requestShelf(c call) (method, path, body string, headers []string) {
	typ := typeOfShelf(c.place)
	member := func(id string) string {
		return fmt.Sprintf(`{"resourceType":%q,"id":%q,"name":%q}`, typ, id, c.text)
	}
	switch c.verb {
	case shelve:
		return "PUT", "/" + typ + "/" + c.id, member(c.id), nil
	case shelvePair:
		var entries []string
		for _, id := range strings.Fields(c.id) {
			entries = append(entries, fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"%s/%s"}}`, member(id), typ, id))
		}
		return "POST", "", `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`, nil
	case unshelve:
		return "DELETE", "/" + typ + "/" + c.id + "?hardDelete=true", "", nil
	case forget:
		return "DELETE", "/" + typ + "/" + c.id + "/$purge-history", "", nil
	case countShelf:
		return "GET", "/" + typ + "?_summary=count", "", nil
	case shelfHistory:
		return "GET", "/" + typ + "/_history?_count=1000&_sort=_lastUpdated", "", nil
	case listSorted:
		return "GET", "/" + typ + "?_count=1000&_sort=_id&_total=accurate", "", nil
	}
	return "GET", "/" + typ + "?_count=1000", "", nil
}

func shownShelf(c call, a answer) (string, error) {
	if a.status >= 300 || len(a.body) == 0 || c.verb == shelvePair {
		return "", nil
	}
	shown, err := parseTree(a.body)
	if err != nil {
		return "", err
	}
	describe := func(r *tree) string {
		return fmt.Sprintf("%s=%s,%s", r.get("id").string(), r.get("meta").get("versionId").string(), r.get("name").string())
	}
	total := shown.get("total").string()
	switch c.verb {
	case shelve:
		return describe(shown), nil
	case countShelf:
		return total, nil
	}
	var all []string
	for _, entry := range shown.get("entry").items() {
		all = append(all, describe(entry.get("resource")))
	}
	if total != strconv.Itoa(len(all)) {
		return "", fmt.Errorf("total %s of %d entries", total, len(all))
	}
	return strings.Join(all, "/"), nil
}

// aboutShelf chooses what to ask of a shelf.
func (c *caller) aboutShelf(at string) call {
	asked := call{place: at, id: memberOf(c.random.IntN(membersOfShelf)), text: c.next()}
	switch c.random.IntN(14) {
	case 0, 1, 2, 3:
		asked.verb = shelve
	case 4, 5:
		asked.verb = shelvePair
		if other := memberOf(c.random.IntN(membersOfShelf)); other != asked.id {
			asked.id += " " + other
		}
	case 6, 7:
		asked.verb = unshelve
	case 8:
		asked.verb = forget
	case 9:
		asked.verb = countShelf
	case 10, 11:
		asked.verb = shelfHistory
		if !keepsHistory(at) {
			asked.verb = listShelf
		}
	case 12:
		asked.verb = listSorted
	default:
		asked.verb = listShelf
	}
	switch asked.verb {
	case unshelve, forget:
		asked.text = ""
	case countShelf, shelfHistory, listShelf, listSorted:
		asked.id, asked.text = "", ""
	}
	return asked
}

// emptyShelves makes the shelves what they are at the beginning of a history.
func (h *histories) emptyShelves() {
	for number := range shelves {
		for member := range membersOfShelf {
			at := h.placeName(shelfKind, number)
			method, path, body, _ := requestShelf(call{verb: unshelve, place: at, id: memberOf(member)})
			if a, err := h.server.ask(method, path, body); err != nil || a.status != 204 {
				h.t.Fatalf("empty %s: status %d, %v", at, a.status, err)
			}
		}
	}
}
