package fhirpath

import (
	"time"

	"fhirlog/domain/fhirjson"
)

// Context is what an expression is evaluated in. The zero value evaluates
// without a resource: 1 + 1 = 2.
type Context struct {
	// Root is what paths start from and %context stands for: a resource or an
	// element. A zero Item stands for the empty collection.
	Root Item
	// Resource is %resource, the resource that Root is part of; absent means
	// Root. RootResource is %rootResource, the one that contains it; absent
	// means Resource. Both are items of resources.
	Resource, RootResource Item
	// Variables are further %variables by name, without the percent sign.
	Variables map[string]Collection

	// Now is what now(), today() and timeOfDay() tell; they fail without it.
	Now time.Time
	// Resolve fetches the resource of a reference; an absent value means that it
	// is not there. Contained resources and entries of a Bundle are found
	// without it.
	Resolve func(reference string) (fhirjson.Value, error)
	// MemberOf tells whether a code, Coding or CodeableConcept is in a value set.
	MemberOf func(item Item, valueSet string) (bool, error)
	// Subsumes tells whether code a subsumes code b.
	Subsumes func(a, b Item) (bool, error)
	// ConformsTo tells whether a resource conforms to a profile.
	ConformsTo func(item Item, profile string) (bool, error)
	// Trace is told what trace() sees.
	Trace func(name string, items Collection)
	// Stopped is asked now and then, every millisecond or so; when it returns an
	// error, the evaluation ends with it.
	Stopped func() error

	Limits Limits
	// Left, if set, is how many steps several evaluations may take together, all
	// in one goroutine: each takes its steps from it.
	Left *int
}

// Limits bounds what an evaluation may cost. Beyond them it ends with an error
// of kind TooCostly. Zero fields mean the default.
type Limits struct {
	// MaxSteps bounds the steps of the evaluation, each about 20 ns to 1 µs: one
	// for each part of the expression each time it is evaluated, and for each
	// item that it visits or compares. 0 means 10 million.
	MaxSteps int
	// MaxItems bounds the size of collections. 0 means 1 million.
	MaxItems int
	// MaxText bounds the length in bytes of strings that the expression makes.
	// 0 means 1 MiB.
	MaxText int
	// MaxRegex bounds the length in bytes of regular expressions. 0 means 1,000.
	MaxRegex int
}

func (l Limits) withDefaults() Limits {
	defaults := func(limit *int, value int) {
		if *limit == 0 {
			*limit = value
		}
	}
	defaults(&l.MaxSteps, 10_000_000)
	defaults(&l.MaxItems, 1_000_000)
	defaults(&l.MaxText, 1<<20)
	defaults(&l.MaxRegex, 1000)
	return l
}
