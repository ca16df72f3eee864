package main

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// never is when a call returned of which that is not known.
const never = math.MaxInt64

// TestModelsOfPlaces shows which histories the models refuse: a test that accepts
// everything says nothing.
func TestModelsOfPlaces(t *testing.T) {
	// Each line is a call, its reply, when it was called and when it returned.
	type line struct {
		call
		heard
		from, to int64
	}
	creation := call{verb: put, language: "l1", text: "t1"}
	created := heard{status: 201, version: 1, content: "l1,t1"}
	second := call{verb: put, language: "l2", text: "t2"}
	updated := heard{status: 200, version: 2, content: "l2,t2"}
	seesFirst, seesSecond := heard{status: 200, version: 1, content: "l1,t1"}, updated
	once := call{verb: createOnce, text: "t1"}
	onceMore := call{verb: createOnce, text: "t2"}
	one, two := call{verb: shelve, place: "s0", id: "m0", text: "t1"}, call{verb: shelve, place: "s0", id: "m1", text: "t2"}
	oneIs, twoIs := heard{status: 201, version: 1, content: "m0=1,t1"}, heard{status: 201, version: 1, content: "m1=1,t2"}
	list, past := call{verb: listShelf, place: "s0"}, call{verb: shelfHistory, place: "s0"}
	both := heard{status: 200, content: "m0=1,t1/m1=1,t2"}
	unshelved := call{verb: unshelve, place: "s0", id: "m0"}
	for _, c := range []struct {
		name  string
		place place
		good  bool
		lines []line
	}{
		{"one after the other", resourcePlace, true, []line{{creation, created, 1, 2}, {second, updated, 3, 4}, {call{verb: read}, seesSecond, 5, 6}}},
		{"a read of what was before", resourcePlace, false, []line{{creation, created, 1, 2}, {second, updated, 3, 4}, {call{verb: read}, seesFirst, 5, 6}}},
		{"a read meanwhile of what was before", resourcePlace, true, []line{{creation, created, 1, 2}, {second, updated, 3, 6}, {call{verb: read}, seesFirst, 4, 5}}},
		{"two reads meanwhile that go back", resourcePlace, false, []line{{creation, created, 1, 2}, {second, updated, 3, 10},
			{call{verb: read}, seesSecond, 4, 5}, {call{verb: read}, seesFirst, 6, 7}}},
		{"an acknowledged write that is lost", resourcePlace, false, []line{{creation, created, 1, 2}, {call{verb: read}, heard{status: 404}, 3, 4}}},
		{"a search that does not find", resourcePlace, false, []line{{creation, created, 1, 2}, {call{verb: find}, heard{status: 200}, 3, 4}}},
		{"a version given twice", resourcePlace, false, []line{{creation, created, 1, 2}, {second, updated, 3, 8},
			{call{verb: put, language: "l3", text: "t3"}, heard{status: 200, version: 2, content: "l3,t3"}, 4, 7}}},
		{"If-Match that two win", resourcePlace, false, []line{{creation, created, 1, 2},
			{call{verb: put, language: "l2", text: "t2", match: 1}, updated, 3, 8},
			{call{verb: put, language: "l3", text: "t3", match: 1}, heard{status: 200, version: 3, content: "l3,t3"}, 4, 7}}},
		{"If-Match that one wins", resourcePlace, true, []line{{creation, created, 1, 2},
			{call{verb: put, language: "l2", text: "t2", match: 1}, updated, 3, 8},
			{call{verb: put, language: "l3", text: "t3", match: 1}, heard{status: 412}, 4, 7}}},
		{"a patch that takes back another's", resourcePlace, false, []line{{creation, created, 1, 2}, {second, updated, 3, 8},
			{call{verb: patch, language: "l3"}, heard{status: 200, version: 3, content: "l3,t1"}, 4, 7}}},
		{"an erased resource that is back", resourcePlace, false, []line{{creation, created, 1, 2}, {call{verb: erase}, heard{status: 204}, 3, 4}, {call{verb: read}, seesFirst, 5, 6}}},
		{"cut off, and done", resourcePlace, true, []line{{creation, created, 1, 2}, {second, heard{cutOff: true}, 3, 4}, {call{verb: read}, seesSecond, 5, 6}}},
		{"cut off, and not done", resourcePlace, true, []line{{creation, created, 1, 2}, {second, heard{cutOff: true}, 3, 4}, {call{verb: read}, seesFirst, 5, 6}}},
		{"cut off, and done after the restart", resourcePlace, false, []line{{creation, created, 1, 2}, {second, heard{cutOff: true}, 3, 4},
			{call{verb: read}, seesFirst, 5, 6}, {call{verb: read}, seesSecond, 7, 8}}},
		{"cut off, done, and taken back", resourcePlace, false, []line{{creation, created, 1, 2}, {second, heard{cutOff: true}, 3, never},
			{call{verb: read}, seesSecond, 5, 6}, {call{verb: read}, seesFirst, 7, 8}}},

		{"created once, found by the other", identifierPlace, true, []line{{once, heard{status: 201, version: 1, content: "A=1=t1"}, 1, 4}, {onceMore, heard{status: 200, version: 1, content: "A=1=t1"}, 2, 3}}},
		{"created twice", identifierPlace, false, []line{{once, heard{status: 201, version: 1, content: "A=1=t1"}, 1, 4}, {onceMore, heard{status: 201, version: 1, content: "B=1=t2"}, 2, 3}}},
		{"found under another id", identifierPlace, false, []line{{once, heard{status: 201, version: 1, content: "A=1=t1"}, 1, 2}, {onceMore, heard{status: 200, version: 1, content: "B=1=t1"}, 3, 4}}},
		{"cut off, found, found under another id", identifierPlace, false, []line{{once, heard{cutOff: true}, 1, 2},
			{onceMore, heard{status: 200, version: 1, content: "A=1=t1"}, 3, 4}, {onceMore, heard{status: 200, version: 1, content: "B=1=t1"}, 5, 6}}},
		{"cut off, and found", identifierPlace, true, []line{{once, heard{cutOff: true}, 1, 2},
			{onceMore, heard{status: 200, version: 1, content: "A=1=t1"}, 3, 4}, {call{verb: searchFor}, heard{status: 200, content: "A=1=t1"}, 5, 6}}},
		{"cut off, and both there", identifierPlace, false, []line{{once, heard{cutOff: true}, 1, 4}, {onceMore, heard{status: 201, version: 1, content: "B=1=t2"}, 2, 3},
			{call{verb: searchFor}, heard{status: 200, content: "A=1=t1/B=1=t2"}, 5, 6}}},
		{"a search that does not see a creation", identifierPlace, false, []line{{once, heard{status: 201, version: 1, content: "A=1=t1"}, 1, 2}, {call{verb: searchFor}, heard{status: 200}, 3, 4}}},
		{"a page while one is erased", shelfPlace, true, []line{{one, oneIs, 1, 2}, {two, twoIs, 3, 4}, {unshelved, heard{status: 204}, 5, 8}, {list, both, 6, 7}, {past, both, 6, 7}}},
		{"a page after one was erased", shelfPlace, false, []line{{one, oneIs, 1, 2}, {two, twoIs, 3, 4}, {unshelved, heard{status: 204}, 5, 6}, {list, both, 7, 8}}},
		{"two pages while one is erased that go back", shelfPlace, false, []line{{one, oneIs, 1, 2}, {two, twoIs, 3, 4}, {unshelved, heard{status: 204}, 5, 10},
			{list, heard{status: 200, content: "m1=1,t2"}, 6, 7}, {past, both, 8, 9}}},
		{"a page that lacks one", shelfPlace, false, []line{{one, oneIs, 1, 2}, {two, twoIs, 3, 4}, {list, heard{status: 200, content: "m0=1,t1"}, 5, 6}}},
		{"a page with half a transaction", shelfPlace, false, []line{{call{verb: shelvePair, place: "s0", id: "m0 m1", text: "t1"}, heard{status: 200}, 1, 4},
			{list, heard{status: 200, content: "m0=1,t1"}, 2, 3}}},
		{"a replaced version that is neither there nor followed", shelfPlace, false, []line{{call{verb: shelve, place: "s1", id: "m0", text: "t1"}, oneIs, 1, 2},
			{call{verb: shelve, place: "s1", id: "m0", text: "t2"}, heard{status: 200, version: 2, content: "m0=2,t2"}, 3, 6}, {call{verb: countShelf, place: "s1"}, heard{status: 200, content: "0"}, 4, 5}}},
		{"a deletion of one of two", identifierPlace, false, []line{{call{verb: create, text: "t1"}, heard{status: 201, version: 1, content: "A=1=t1"}, 1, 2},
			{call{verb: create, text: "t2"}, heard{status: 201, version: 1, content: "B=1=t2"}, 3, 4}, {call{verb: deleteWhere}, heard{status: 204, version: 2}, 5, 6}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var history []porcupine.Operation
			for number, l := range c.lines {
				history = append(history, porcupine.Operation{ClientId: number, Input: l.call, Output: l.heard, Call: l.from, Return: l.to})
			}
			if got := porcupine.CheckOperations(c.place.model(), history); got != c.good {
				t.Errorf("linearizable: %t, want %t", got, c.good)
			}
		})
	}
}
