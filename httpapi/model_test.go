package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/event"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/patch"
	"fhirlog/domain/resource"
	"fhirlog/domain/search"
	"fhirlog/domain/validate"
)

// model is a Writer and Reader in memory, plain enough to be believed. Each
// commit takes one second of its time.
type model struct {
	mu        sync.Mutex
	validator *validate.Validator
	records   []record
	nextID    int
	fail      error // what Commit and the reads fail with, if set
	commits   int

	// Of a Searcher.
	set      *search.Set
	values   map[uint64]*search.Values // by position
	asked    []search.PageRequest
	onRead   func(position uint64)
	commands []commit.Command // of the last commit
}

// record is one event.
type record struct {
	resource.Version
	gone   uint64 // the number of records with which it is erased, purged or not kept; 0: it is there
	marker bool   // an erasure or purge: no version
	lost   bool   // its content was taken by a compaction
}

// shows says that the record is a version that answers as of a horizon.
func (r *record) shows(horizon uint64) bool { return !r.marker && (r.gone == 0 || r.gone > horizon) }

// horizon is the one that is given, or that of what is applied now.
func (m *model) horizon(given uint64) uint64 {
	if given == 0 {
		return uint64(len(m.records))
	}
	return given
}

// epoch is when the model's time begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newModel(d *definitions.Definitions) *model {
	return &model{validator: validate.New(d), set: standardSet(d), values: map[uint64]*search.Values{}}
}

// sets are those of the versions; a set is immutable and takes long to make.
var sets sync.Map

func standardSet(d *definitions.Definitions) *search.Set {
	if made, ok := sets.Load(d); ok {
		return made.(*search.Set)
	}
	set, err := search.NewSet(d, nil)
	if err != nil {
		panic(err)
	}
	sets.Store(d, set)
	return set
}

// reset forgets all records.
func (m *model) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records, m.asked, m.commands, m.nextID, m.commits = nil, nil, nil, 0, 0
	clear(m.values)
}

// now is the time after the last commit.
func (m *model) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return epoch.Add(time.Duration(m.commits) * time.Second)
}

func (m *model) current(t domain.ResourceType, id domain.LogicalID) int {
	for i := len(m.records) - 1; i >= 0; i-- {
		r := &m.records[i]
		if r.Type == t && r.ID == id && r.shows(m.horizon(0)) {
			return i
		}
	}
	return -1
}

func (m *model) Commit(ctx context.Context, caller commit.Caller, commands []commit.Command) ([]commit.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if caller.RequestID == "" {
		return nil, errors.New("a caller without a request id")
	}
	if err := errors.Join(
		event.CheckText(caller.Author, event.MaxAuthor), event.CheckText(caller.Agent, event.MaxAgent), event.CheckText(caller.Reason, event.MaxReason),
	); err != nil {
		return nil, fmt.Errorf("a caller who must not get into the log: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.fail != nil {
		return nil, m.fail
	}
	m.commands = commands
	instead := make([]func() commit.Outcome, len(commands))
	links := m.links(commands)
	var failed *commit.CommandError
	for i := range commands {
		var err error
		if instead[i], err = m.resolve(&commands[i]); err == nil && instead[i] == nil {
			err = m.check(&commands[i])
		}
		if err != nil {
			one := &commit.CommandError{Index: i, Err: err}
			if failed == nil {
				failed = one
			} else {
				failed.Others = append(failed.Others, one)
			}
		}
	}
	if failed != nil {
		if len(commands) == 1 {
			return nil, failed.Err
		}
		return nil, failed
	}
	m.commits++
	outcomes := make([]commit.Outcome, len(commands))
	for i := range commands {
		if instead[i] != nil {
			outcomes[i] = instead[i]()
			continue
		}
		outcomes[i] = m.apply(&commands[i], links, outcomes)
	}
	return outcomes, nil
}

// links assigns the ids of creates; fullUrls lead to them.
func (m *model) links(commands []commit.Command) map[string]string {
	links := make(map[string]string)
	for i := range commands {
		c := &commands[i]
		if c.Interaction == event.Create {
			m.nextID++
			c.ID = domain.LogicalID(fmt.Sprintf("new%d", m.nextID))
		}
		if c.FullURL != "" {
			links[c.FullURL] = string(c.Type) + "/" + string(c.ID)
		}
	}
	return links
}

func (m *model) check(c *commit.Command) error {
	at := m.current(c.Type, c.ID)
	switch {
	case c.Interaction == event.Patch && at < 0:
		return domain.NewError(domain.NotFound, "nothing to patch")
	case c.Interaction == event.Patch && m.records[at].Deleted:
		return &domain.Error{Kind: domain.Deleted, Issues: []domain.Issue{{Message: "is deleted"}}, Version: m.records[at].Version.Version}
	case c.IfMatch != nil && at < 0:
		return domain.NewError(domain.NotFound, "nothing to match")
	case c.IfMatch != nil && *c.IfMatch != m.records[at].Version.Version.String():
		return domain.NewError(domain.VersionMismatch, "another version is current")
	case c.MustNotExist && at >= 0 && !m.records[at].Deleted:
		return domain.NewError(domain.PreconditionFailed, "it exists")
	}
	switch c.Interaction {
	case event.Create, event.Update:
	case event.Patch:
		if err := m.patch(c, &m.records[at].Version); err != nil {
			return err
		}
	default:
		return nil
	}
	var issues []domain.Issue
	for _, issue := range m.validator.Resource(c.Resource, string(c.Type), nil) {
		// The target of a Provenance comes later.
		if c.ProvenanceOf == 0 || len(issue.Expression) == 0 || issue.Expression[0] != "Provenance.target" {
			issues = append(issues, issue)
		}
	}
	if c.ProvenanceOf > 0 && c.Resource.Get("target").Exists() {
		issues = append(issues, domain.Issue{Message: "a target", Expression: []string{"Provenance.target"}})
	}
	if stated := c.Resource.Get("id"); c.Interaction == event.Update && stated.String() != string(c.ID) && (c.Criteria == nil || stated.Exists()) {
		issues = append(issues, domain.Issue{Message: "the ids differ"})
	}
	if len(issues) > 0 {
		return &domain.Error{Kind: domain.Invalid, Issues: issues}
	}
	return nil
}

// patch makes what a patch leads to the content of its command.
func (m *model) patch(c *commit.Command, v *resource.Version) error {
	before, err := fhirjson.Parse(v.AppendJSON(nil), fhirjson.Limits{})
	if err != nil {
		return err
	}
	after, err := c.Patch.Apply(before.Root())
	if err != nil {
		return err
	}
	c.Resource = after.Root()
	return patch.CheckImmutable(before.Root(), after.Root())
}

func (m *model) apply(c *commit.Command, links map[string]string, outcomes []commit.Outcome) commit.Outcome {
	v := resource.Version{Type: c.Type, ID: c.ID, Position: uint64(len(m.records)), Instant: epoch.UnixMilli() + int64(m.commits)*1000, Interaction: c.Interaction}
	at := m.current(c.Type, c.ID)
	if at >= 0 {
		v.Version = m.records[at].Version.Version
	}
	v.Version++
	switch c.Interaction {
	case event.Create, event.Update, event.Patch:
		return m.put(c, v, at, links, outcomes)
	case event.Delete:
		if at < 0 || m.records[at].Deleted {
			return commit.Outcome{Change: commit.Nothing}
		}
		v.Deleted = true
		m.records = append(m.records, record{Version: v})
		return commit.Outcome{Change: commit.Deleted, Version: v}
	}
	change := commit.Nothing
	for i := range m.records {
		r := &m.records[i]
		if r.Type == c.Type && r.ID == c.ID && r.shows(m.horizon(0)) && (c.Interaction == event.HardDelete || i != at) {
			r.gone = m.horizon(0) + 1
			change = map[event.Interaction]commit.Change{event.HardDelete: commit.Deleted, event.PurgeHistory: commit.Purged}[c.Interaction]
		}
	}
	if change != commit.Nothing {
		m.records = append(m.records, record{Version: v, marker: true})
	}
	return commit.Outcome{Change: change}
}

func (m *model) put(c *commit.Command, v resource.Version, at int, links map[string]string, outcomes []commit.Outcome) commit.Outcome {
	var edits []fhirjson.Edit
	content := c.Resource
	if c.ProvenanceOf > 0 {
		of := outcomes[c.ProvenanceOf-1].Version
		text := slices.Insert(bytes.Clone(content.Raw()), 1, fmt.Appendf(nil, `"target":[{"reference":"%s/%s/_history/%d"}],`, of.Type, of.ID, of.Version)...)
		d, err := fhirjson.Parse(text, fhirjson.Limits{})
		if err != nil {
			panic(err)
		}
		content = d.Root()
	}
	body, metaAt := resource.AppendStored(nil, content, c.ID, edits)
	for from, to := range links {
		body = bytes.ReplaceAll(body, []byte(`"`+from+`"`), []byte(`"`+to+`"`))
	}
	if at >= 0 && !m.records[at].Deleted {
		if resource.SameContent(m.records[at].Body, body) {
			return commit.Outcome{Change: commit.Unchanged, Version: m.records[at].Version}
		}
		if c.KeepNoMetaHistory && resource.SameButMeta(m.records[at].Body, body) {
			m.records[at].gone = m.horizon(0) + 1
		}
	}
	v.Body, v.MetaAt = body, metaAt
	m.records = append(m.records, record{Version: v})
	if v.Version == 1 {
		return commit.Outcome{Change: commit.Created, Version: v}
	}
	return commit.Outcome{Change: commit.Updated, Version: v}
}

func (m *model) Applied() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.records))
}

func (m *model) Read(_ context.Context, t domain.ResourceType, id domain.LogicalID) (resource.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return resource.Version{}, m.fail
	}
	at := m.current(t, id)
	if at < 0 {
		return resource.Version{}, domain.NewError(domain.NotFound, "never was")
	}
	if m.records[at].Deleted {
		return resource.Version{}, &domain.Error{Kind: domain.Deleted, Issues: []domain.Issue{{Message: "is deleted"}}, Version: m.records[at].Version.Version}
	}
	return m.records[at].Version, nil
}

func (m *model) ReadVersion(_ context.Context, t domain.ResourceType, id domain.LogicalID, wanted domain.VersionID) (resource.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		if r.Type == t && r.ID == id && r.shows(m.horizon(0)) && r.Version.Version == wanted {
			return r.Version, nil
		}
	}
	return resource.Version{}, domain.NewError(domain.NotFound, "no such version")
}

func (m *model) InstanceHistory(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	m.mu.Lock()
	known := slices.ContainsFunc(m.records, func(r record) bool { return r.Type == t && r.ID == id && r.shows(m.horizon(q.Horizon)) })
	m.mu.Unlock()
	if !known {
		return resource.HistoryPage{}, domain.NewError(domain.NotFound, "never was")
	}
	return m.page(ctx, t, id, q)
}

func (m *model) TypeHistory(ctx context.Context, t domain.ResourceType, q resource.HistoryQuery) (resource.HistoryPage, error) {
	return m.page(ctx, t, "", q)
}

func (m *model) page(ctx context.Context, t domain.ResourceType, id domain.LogicalID, q resource.HistoryQuery) (resource.HistoryPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return resource.HistoryPage{}, m.fail
	}
	var all []uint64
	for i := range m.records {
		r := &m.records[i]
		inside := uint64(i) >= q.From && uint64(i) < min(q.Before, q.Snapshot)
		if inside && r.shows(m.horizon(q.Horizon)) && (t == "" || r.Type == t) && (id == "" || r.ID == id) && m.currentSince(i, q.CurrentAt) {
			all = append(all, r.Position)
		}
	}
	page := resource.HistoryPage{Total: len(all)}
	if q.CurrentAt > 0 && id == "" {
		page.Total = -1 // not known without a walk
	}
	if q.Ascending == q.Backward { // newest first is the direction of the walk
		slices.Reverse(all)
	}
	if q.HasStart {
		all = slices.DeleteFunc(all, func(position uint64) bool {
			if q.Ascending == q.Backward {
				return position > q.Start
			}
			return position < q.Start
		})
	}
	page.More = len(all) > q.Count
	page.Positions = all[:min(q.Count, len(all))]
	if q.Backward {
		slices.Reverse(page.Positions)
	}
	return page, ctx.Err()
}

// currentSince says whether a version was current at or after a moment; a
// deletion before it is no version that was.
func (m *model) currentSince(i int, moment uint64) bool {
	if uint64(i) >= moment {
		return true
	}
	r := &m.records[i]
	if r.Deleted {
		return false
	}
	for j := i + 1; uint64(j) < moment && j < len(m.records); j++ {
		if m.records[j].Type == r.Type && m.records[j].ID == r.ID {
			return false
		}
	}
	return true
}

func (m *model) CommitEnd(position uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for int(position)+1 < len(m.records) && m.records[position+1].Instant == m.records[position].Instant {
		position++
	}
	return position + 1, m.fail
}

func (m *model) Before(instant int64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.records {
		if m.records[i].Instant >= instant {
			return uint64(i), nil
		}
	}
	return uint64(len(m.records)), nil
}
