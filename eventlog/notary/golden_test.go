package notary_test

import (
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
)

// goldenRoot is the root over the log of testdata/log/v1, one of whose bodies is
// erased. It pins the form of leaves: another one would break every proof there is.
const goldenRoot = "Py8h03RfxmKKr6noE1uWPlXXudQrM2yDvcMq/8tezSw="

func TestRoot_of_the_golden_log(t *testing.T) {
	var tree goldenTree
	_, err := eventlog.Verify(background, "../../testdata/log/v1", eventlog.Options{}, eventlog.VerifyOptions{
		Workers: 1, Segment: func(eventlog.Position) eventlog.SegmentVisitor { return &tree },
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.Root().String(); got != goldenRoot {
		t.Errorf("the root of %d records is %s, want %s", tree.Size(), got, goldenRoot)
	}
}

type goldenTree struct{ merkle.Edge }

func (g *goldenTree) Record(r *eventlog.Record) error {
	leaf := merkle.Leaf{CommitEnd: r.CommitEnd, Metadata: r.MetadataCommitment, Body: r.BodyCommitment}
	g.Append(leaf.Hash(), nil)
	return nil
}

func (g *goldenTree) Done() error { return nil }
