package eventlog_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fhirlog/eventlog"
	"fhirlog/eventlog/faultfs"
	"fhirlog/eventlog/keyring"
)

// TestLog_agrees_with_a_slice runs random operations against the log and
// against a slice of commits; each read must agree, also after a restart with
// other options.
func TestLog_agrees_with_a_slice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: rt, fs: newDisk(t, rapid.Bool().Draw(rt, "encrypted")), erased: map[eventlog.Position]bool{}, unknown: map[eventlog.Position]bool{}}
		m.open()
		rt.Repeat(map[string]func(*rapid.T){
			"commit":  m.commit,
			"read":    m.read,
			"scan":    m.scan,
			"follow":  m.follow,
			"at":      m.at,
			"compact": m.compact,
			"unknow":  m.eraseMetadata,
			"reopen":  func(*rapid.T) { m.close(); m.open() },
			"encrypt": m.encrypt,
			"":        m.check,
		})
		m.close()
	})
}

type modelRecord struct {
	name      string
	instant   int64
	commitEnd bool
}

type model struct {
	t       *rapid.T
	fs      *faultfs.FS
	keys    eventlog.Keys
	log     *eventlog.Log
	stop    func() (run, closed error)
	commits int
	records []modelRecord
	erased  map[eventlog.Position]bool // whose bodies are gone
	unknown map[eventlog.Position]bool // whose metadata are gone: the name is the stub
}

// checkRecord is the function of that name, but for what is erased.
func (m *model) checkRecord(r eventlog.Record) error {
	if r.Erased != m.erased[r.Position] {
		return fmt.Errorf("record %d: erased %t, want %t", r.Position, r.Erased, m.erased[r.Position])
	}
	if r.MetadataErased != m.unknown[r.Position] {
		return fmt.Errorf("record %d: metadata erased %t, want %t", r.Position, r.MetadataErased, m.unknown[r.Position])
	}
	if (r.Erased || r.MetadataErased) && r.Body == nil && !r.HasBody {
		return r.Verify()
	}
	return checkRecord(r)
}

// eraseMetadata erases those of some records, also of some that lost their bodies
// before, and bodies of others with them.
func (m *model) eraseMetadata(t *rapid.T) {
	metadata, bodies := m.some(t, "metadata"), m.some(t, "bodies")
	var want eventlog.Compaction
	for p := range m.records {
		at := eventlog.Position(p)
		hasBody := !m.erased[at] && !m.unknown[at] && bodyOf(m.records[p].name) != nil
		erases := metadata[at] && !m.unknown[at]
		if hasBody && (erases || bodies[at]) {
			want.Records++
			m.erased[at] = true
		}
		if erases {
			want.Metadata++
			m.unknown[at], m.records[p].name = true, stubOf(m.records[p].name)
		}
	}
	done, err := m.log.Compact(background, sorted(bodies), eventlog.CompactOptions{Metadata: sorted(metadata), Stub: makeStub})
	if err != nil || done.Records != want.Records || done.Metadata != want.Metadata {
		t.Fatalf("Compact = %+v, %v, want %+v", done, err, want)
	}
}

// some draws positions, one of which may be beyond the end.
func (m *model) some(t *rapid.T, what string) map[eventlog.Position]bool {
	some := map[eventlog.Position]bool{}
	for range rapid.IntRange(0, 6).Draw(t, what) {
		p := rapid.IntRange(0, len(m.records)).Draw(t, "position")
		for i := range rapid.IntRange(1, 40).Draw(t, "neighbours") {
			some[eventlog.Position(p+i)] = true
		}
	}
	return some
}

// compact erases some records, also some that are erased already.
func (m *model) compact(t *rapid.T) {
	gone := map[eventlog.Position]bool{}
	for range rapid.IntRange(0, 10).Draw(t, "erasures") {
		p := rapid.IntRange(0, len(m.records)).Draw(t, "position") // one may be beyond the end
		for i := range rapid.IntRange(1, 70).Draw(t, "neighbours") {
			gone[eventlog.Position(p+i)] = true
		}
	}
	want := uint64(0)
	for p := range gone {
		if int(p) < len(m.records) && !m.erased[p] && !m.unknown[p] && bodyOf(m.records[p].name) != nil {
			want++
			m.erased[p] = true
		}
	}
	done, err := m.log.Compact(background, slices.Values(slices.Sorted(maps.Keys(gone))), eventlog.CompactOptions{})
	if err != nil || done.Records != want {
		t.Fatalf("Compact = %+v, %v, want %d records", done, err, want)
	}
	if err := m.log.Scrub(background, 0); err != nil {
		t.Fatalf("Scrub = %v", err)
	}
}

func (m *model) open() {
	o := eventlog.Options{
		FS: m.fs, MinFreeBytes: -1, Keys: keysOn(m.fs),
		SegmentBytes: rapid.SampledFrom([]int64{4 << 10, 16 << 10, 64 << 10}).Draw(m.t, "segment"),
		BlockBytes:   rapid.SampledFrom([]int{1, 100, 16 << 10}).Draw(m.t, "block"),
		TailBytes:    rapid.SampledFrom([]int64{1, 2000, 1 << 20}).Draw(m.t, "tail"),
		CacheBytes:   rapid.SampledFrom([]int64{-1, 4 << 10, 1 << 20}).Draw(m.t, "cache"),
		OpenSegments: rapid.SampledFrom([]int{1, 3}).Draw(m.t, "handles"),
	}
	l, recovery, err := eventlog.Open(faultDir, o)
	if err != nil || recovery.Unclean || recovery.TornFile != "" || recovery.Records != uint64(len(m.records)) {
		m.t.Fatalf("Open = %+v, %v, want %d records", recovery, err, len(m.records))
	}
	m.log, m.stop, m.keys = l, run(l), o.Keys
}

// encrypt turns encryption on, or gives the keyring another operator's key while the log
// is written to.
func (m *model) encrypt(t *rapid.T) {
	switch keys := m.keys.(type) {
	case nil:
		m.close()
		if rapid.IntRange(0, 3).Draw(t, "begin") == 0 {
			addKeyring(t, m.fs)
		}
		m.open()
	case *keyring.Ring:
		if err := keys.Rotate(background, operatorKey); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *model) close() {
	if ran, closed := m.stop(); ran != nil || closed != nil {
		m.t.Fatalf("Run, Close = %v, %v", ran, closed)
	}
}

func (m *model) commit(t *rapid.T) {
	n := rapid.IntRange(1, 90).Draw(t, "records")
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("%d.%d %*s", m.commits, i, rapid.IntRange(0, 50).Draw(t, "length"), ""))
	}
	a, err := commit(m.log, names...)
	if err != nil || int(a.First) != len(m.records) || a.Count != n {
		t.Fatalf("commit = %+v, %v, want %d records from %d", a, err, n, len(m.records))
	}
	for i, name := range names {
		m.records = append(m.records, modelRecord{name, a.Instant, i == n-1})
	}
	m.commits++
}

func (m *model) read(t *rapid.T) {
	p := rapid.IntRange(0, len(m.records)).Draw(t, "position")
	r, err := m.log.Read(eventlog.Position(p))
	if p == len(m.records) {
		if !errors.Is(err, eventlog.ErrNotFound) {
			t.Fatalf("Read(%d) = %v, want ErrNotFound", p, err)
		}
		return
	}
	if err == nil {
		err = m.checkRecord(r)
	}
	metadata, errMetadata := m.log.ReadMetadata(eventlog.Position(p))
	want := m.records[p]
	got := modelRecord{string(r.Metadata), r.Instant, r.CommitEnd}
	if err != nil || errMetadata != nil || got != want || string(metadata.Metadata) != want.name || metadata.Body != nil {
		t.Fatalf("Read(%d) = %+v, %v, %v, want %+v", p, got, err, errMetadata, want)
	}
}

func (m *model) scan(t *rapid.T) {
	from := rapid.IntRange(0, len(m.records)).Draw(t, "from")
	withBodies := rapid.Bool().Draw(t, "bodies")
	got := []modelRecord{}
	err := m.log.Scan(background, eventlog.Position(from), withBodies, func(r eventlog.Record) error {
		got = append(got, modelRecord{string(r.Metadata), r.Instant, r.CommitEnd})
		if withBodies {
			return m.checkRecord(r)
		}
		return r.Verify()
	})
	if err != nil || !reflect.DeepEqual(got, append([]modelRecord{}, m.records[from:]...)) {
		t.Fatalf("Scan(%d) = %d records, %v, want %d", from, len(got), err, len(m.records)-from)
	}
}

func (m *model) follow(t *rapid.T) {
	if len(m.records) == 0 {
		return
	}
	from := rapid.IntRange(0, len(m.records)-1).Draw(t, "from")
	enough := errors.New("enough")
	got := []modelRecord{}
	err := m.log.Follow(background, eventlog.Position(from), func(group []eventlog.Record) error {
		for _, r := range group {
			got = append(got, modelRecord{string(r.Metadata), r.Instant, r.CommitEnd})
		}
		if from+len(got) == len(m.records) {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || !reflect.DeepEqual(got, append([]modelRecord{}, m.records[from:]...)) {
		t.Fatalf("Follow(%d) = %d records, %v, want %d", from, len(got), err, len(m.records)-from)
	}
}

func (m *model) at(t *rapid.T) {
	if len(m.records) == 0 {
		return
	}
	instant := m.records[rapid.IntRange(0, len(m.records)-1).Draw(t, "record")].instant + rapid.Int64Range(-1, 1).Draw(t, "more")
	want := -1
	for p, r := range m.records {
		if r.instant <= instant {
			want = p
		}
	}
	if p, ok, err := m.log.PositionAt(instant); err != nil || ok != (want >= 0) || ok && int(p) != want {
		t.Fatalf("PositionAt(%d) = %d, %v, want %d", instant, p, ok, want)
	}
}

func (m *model) check(t *rapid.T) {
	if int(m.log.Next()) != len(m.records) || int(m.log.Durable()) != len(m.records) {
		t.Fatalf("Next, Durable = %d, %d, want %d", m.log.Next(), m.log.Durable(), len(m.records))
	}
}
