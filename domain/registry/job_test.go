package registry

import (
	"slices"
	"strings"
	"testing"

	"fhirlog/domain"
	"fhirlog/domain/event"
	"fhirlog/domain/search"
)

// TestAJobIsWhatItsEventsSay, instants included.
func TestAJobIsWhatItsEventsSay(t *testing.T) {
	s := newScript(t)
	s.do("put a " + u1)
	s.do(`put b ` + u2 + ` base=["Observation"] expression="Observation.code.text" code="two"`)
	s.do("off " + builtIn)
	s.do("delete b")
	job, isNew := s.r.NewReindex("j", ReindexRequest{Limits: Limits{PerQuery: 7, PerWrite: 8, DelayMillis: 9}})
	if !isNew || !slices.Equal(job.Fill, []uint32{1}) || !slices.Equal(job.Remove, []uint32{2}) || !slices.Equal(job.Standard, []string{builtIn}) ||
		!slices.Equal(job.Parameters, []string{u1, u2, builtIn}) || !slices.Equal(job.Types, []domain.ResourceType{"Patient"}) {
		t.Fatalf("NewReindex = %+v, %t", job, isNew)
	}
	s.change(*job, Queued)
	if same, isNew := s.r.NewReindex("k", ReindexRequest{}); isNew || same.ID != "j" {
		t.Errorf("a second job beside an active one: %+v, %t", same, isNew)
	}
	running := *s.r.Active()
	running.Total = 100
	s.change(running, Running)
	running.Done = 100
	s.change(running, Completed)
	got := s.r.Job("j")
	if got == nil || s.r.Active() != nil {
		t.Fatalf("Job = %+v, Active = %+v", got, s.r.Active())
	}
	want := Job{
		ID: "j", State: Completed, Limits: job.Limits, Scope: job.Scope, Began: 4,
		QueuedAt: 1004, StartedAt: 1005, EndedAt: 1006, ChangedAt: 1006, Total: 100, Done: 100,
	}
	if got.Total != want.Total || got.Done != want.Done || got.QueuedAt != want.QueuedAt || got.StartedAt != want.StartedAt ||
		got.EndedAt != want.EndedAt || got.ChangedAt != want.ChangedAt || got.Began != want.Began || got.State != want.State ||
		got.Limits != want.Limits || !slices.Equal(got.Parameters, want.Parameters) {
		t.Errorf("the job is %+v, want %+v", *got, want)
	}
	if _, err := s.r.Cancel("j"); domain.KindOf(err) != domain.Invalid {
		t.Errorf("Cancel of a job that has ended: %v", err)
	}
	if _, err := s.r.Cancel("none"); domain.KindOf(err) != domain.NotFound {
		t.Errorf("Cancel of no job: %v", err)
	}
}

// TestAReindexMayBeNarrowed to types of resources or of parameters; what is out
// of force is removed with any.
func TestAReindexMayBeNarrowed(t *testing.T) {
	s := newScript(t)
	s.do("put a " + u1)
	s.do(`put b ` + u2 + ` base=["Observation"] expression="Observation.code" type="token" code="two"`)
	for name, test := range map[string]struct {
		wanted ReindexRequest
		fill   []uint32
	}{
		"all":                  {ReindexRequest{}, []uint32{1, 2}},
		"a type of resource":   {ReindexRequest{Types: []domain.ResourceType{"Observation"}}, []uint32{2}},
		"another":              {ReindexRequest{Types: []domain.ResourceType{"Encounter"}}, nil},
		"two":                  {ReindexRequest{Types: []domain.ResourceType{"Encounter", "Patient"}}, []uint32{1}},
		"a type of parameters": {ReindexRequest{ParameterTypes: []search.ParameterType{search.Token}}, []uint32{2}},
	} {
		if job, _ := s.r.NewReindex("j", test.wanted); !slices.Equal(job.Fill, test.fill) {
			t.Errorf("%s: fills %v, want %v", name, job.Fill, test.fill)
		}
	}
}

// TestJobsOfLongAgoAreForgotten, and so are URLs.
func TestJobsOfLongAgoAreForgotten(t *testing.T) {
	s := newScript(t)
	for range jobsKept + 3 {
		s.do("reindex")
		s.do("cancel")
	}
	if len(s.r.Jobs) != jobsKept || s.r.Jobs[0].Began != 6 {
		t.Errorf("%d jobs are kept, the first one of position %d", len(s.r.Jobs), s.r.Jobs[0].Began)
	}
	for i := range goneKept + 3 {
		s.r.gone(strings.Repeat("x", i))
	}
	if len(s.r.Gone) != goneKept || len(s.r.Gone[0]) != 3 {
		t.Errorf("%d URLs are kept", len(s.r.Gone))
	}
}

// TestBodiesOfANewerProgramAreRefused instead of being misread.
func TestBodiesOfANewerProgramAreRefused(t *testing.T) {
	s := newScript(t)
	for _, test := range []struct {
		kind event.Kind
		body string
	}{
		{event.JobChanged, `{"kind":"reindex","state":"paused"}`},
		{event.JobChanged, `{"kind":"export","state":"queued"}`},
		{event.JobChanged, `{"kind":"reindex","state":"queued","shards":3}`},
		{event.JobChanged, `{"kind":"reindex"`},
		{event.JobChanged, ``},
		{event.ParameterStatus, `{"http://x":"Enabled"}`},
		{event.ParameterStatus, `["http://x"]`},
	} {
		e := event.Event{Kind: test.kind, Interaction: event.Administer, ID: "j"}
		if _, err := s.r.Apply(0, 0, &e, []byte(test.body)); err == nil {
			t.Errorf("Apply takes %s", test.body)
		}
	}
}

// TestJobBodiesStay: the form in the log.
func TestJobBodiesStay(t *testing.T) {
	job := Job{
		ID: "j", State: Queued, Limits: Limits{PerQuery: 10000, PerWrite: 1000, DelayMillis: 5},
		Scope: Scope{Fill: []uint32{1}, Remove: []uint32{2}, Standard: []string{"s"}, Parameters: []string{"p"}, Types: []domain.ResourceType{"Patient"}},
		Total: 3, Done: 2, Failure: "why",
	}
	for state, want := range map[JobState]string{
		Queued: `{"kind":"reindex","state":"queued","fill":[1],"remove":[2],"standard":["s"],"parameters":["p"],"types":["Patient"],` +
			`"perQuery":10000,"perWrite":1000,"delayMilliseconds":5,"resources":3,"done":2,"failure":"why"}`,
		Running: `{"kind":"reindex","state":"running","resources":3,"done":2,"failure":"why"}`,
	} {
		job.State = state
		if got, err := job.Body(); err != nil || string(got) != want {
			t.Errorf("Body of a %s job:\n%s, %v\nwant\n%s", state, got, err, want)
		}
	}
}

func TestSwitchTellsWhatBecomesOfEach(t *testing.T) {
	s := newScript(t)
	s.do("put a " + u1)
	results, body, err := s.r.Switch([]StatusChange{
		{u1, Disabled}, {u2, Disabled}, {builtIn, Enabled}, {builtIn, Supported}, {u1, Supported},
	})
	if err != nil || string(body) != `{"`+u1+`":"Disabled"}` {
		t.Fatalf("Switch: %s, %v", body, err)
	}
	for i, want := range []struct {
		status Status
		kind   domain.Kind
	}{
		{PendingDisable, domain.Internal}, {Disabled, domain.NotFound}, {Enabled, domain.Invalid}, {Enabled, domain.Internal}, {Supported, domain.Invalid},
	} {
		if got := results[i]; domain.KindOf(got.Err) != want.kind || (got.Err == nil) != (want.kind == domain.Internal) || got.Err == nil && got.Status != want.status {
			t.Errorf("result %d: %+v; want %s, kind %d", i, got, want.status, want.kind)
		}
	}
	if _, body, err := s.r.Switch([]StatusChange{{builtIn, Supported}, {u1, Supported}}); body != nil || err != nil {
		t.Errorf("what is on already: %s, %v", body, err)
	}
}
