package eventlog_test

import (
	"context"
	"errors"
	"testing"

	"fhirlog/eventlog"
)

var background = context.Background()

// open opens a log that must open.
func open(t testing.TB, dir string, o eventlog.Options) *eventlog.Log {
	t.Helper()
	l, _, err := eventlog.Open(dir, o)
	if err != nil {
		t.Fatalf("Open = %v", err)
	}
	return l
}

// start opens a log and runs it; the function closes it and gives what Run and
// Close returned.
func start(t testing.TB, dir string, o eventlog.Options) (*eventlog.Log, func() (run, closed error)) {
	t.Helper()
	l := open(t, dir, o)
	return l, run(l)
}

func run(l *eventlog.Log) (stop func() (run, closed error)) {
	ran := make(chan error, 1)
	go func() { ran <- l.Run(background) }()
	return func() (error, error) {
		closed := l.Close()
		return <-ran, closed
	}
}

// batch makes a batch whose bodies are the metadata, repeated.
func batch(l *eventlog.Log, metadata ...string) eventlog.Batch {
	b := eventlog.Batch{}
	var bodies [][]byte
	for _, m := range metadata {
		b.Metadata = append(b.Metadata, []byte(m))
		bodies = append(bodies, bodyOf(m))
	}
	b.Bodies = l.Pack(bodies)
	return b
}

// bodyOf is the body that batch gives to a record: none for some of them.
func bodyOf(metadata string) []byte {
	if len(metadata)%7 == 0 {
		return nil
	}
	var b []byte
	for range 1 + len(metadata)%5*8 {
		b = append(b, metadata...)
	}
	return b
}

// commit appends a batch and waits for it.
func commit(l *eventlog.Log, metadata ...string) (eventlog.Appended, error) {
	a, err := l.Append(background, batch(l, metadata...))
	if err != nil {
		return a, err
	}
	return a, l.WaitDurable(background, a.First+eventlog.Position(a.Count))
}

// mustCommit is commit that must succeed.
func mustCommit(t testing.TB, l *eventlog.Log, metadata ...string) eventlog.Appended {
	t.Helper()
	a, err := commit(l, metadata...)
	if err != nil {
		t.Fatalf("commit(%d records) = %v", len(metadata), err)
	}
	return a
}

// contents scans the log and gives the metadata of each commit, after checking
// each record.
func contents(l *eventlog.Log) (commits [][]string, err error) {
	var current []string
	err = l.Scan(background, 0, true, func(r eventlog.Record) error {
		current = append(current, string(r.Metadata))
		if r.CommitEnd {
			commits = append(commits, current)
			current = nil
		}
		return checkRecord(r)
	})
	if err == nil && current != nil {
		commits = append(commits, append(current, "HALF A COMMIT"))
	}
	return commits, err
}

func checkRecord(r eventlog.Record) error {
	if string(r.Body) != string(bodyOf(string(r.Metadata))) {
		return errWrongBody
	}
	return r.Verify()
}

var errWrongBody = errors.New("a record has the body of another")
