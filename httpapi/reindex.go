package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"fhirlog/domain"
	"fhirlog/domain/fhirjson"
	"fhirlog/domain/registry"
	"fhirlog/domain/search"
)

// reindexPath is where the jobs are.
const reindexPath = "/_operations/reindex/"

// reindex answers POST /$reindex: it begins a job that indexes what search
// parameters were defined too late for. If one is active, that is the answer.
func (s *Server) reindex(ctx context.Context, r *request) (response, error) {
	wanted, err := s.reindexRequest(r)
	if err != nil {
		return response{}, err
	}
	job, err := s.administrator.Reindex(ctx, r.caller(), wanted)
	if err != nil {
		return response{}, err
	}
	answer, err := s.describeJob(http.StatusCreated, &job)
	answer.contentLocation = r.base + reindexPath + job.ID
	return answer, err
}

// The defaults and bounds of what a client asks of a job.
const (
	standardPerQuery = 10_000
	standardPerWrite = 1000
	mostPerQuery     = 1_000_000
	mostDelay        = 500_000 // milliseconds
)

// reindexRequest reads the parameters of $reindex. Unknown ones are ignored.
func (s *Server) reindexRequest(r *request) (wanted registry.ReindexRequest, err error) {
	wanted.Limits = registry.Limits{PerQuery: standardPerQuery, PerWrite: standardPerWrite}
	err = r.bodyParameters(func(name string, p fhirjson.Value, expression string) (err error) {
		switch name {
		case "maximumNumberOfResourcesPerQuery":
			wanted.PerQuery, err = numberIn(p, 1, mostPerQuery, expression)
		case "maximumNumberOfResourcesPerWrite":
			wanted.PerWrite, err = numberIn(p, 1, mostPerQuery, expression)
		case "queryDelayIntervalInMilliseconds":
			wanted.DelayMillis, err = numberIn(p, 0, mostDelay, expression)
		case "targetResourceTypes":
			for _, name := range listIn(p) {
				if s.types[name] == nil {
					return invalid("FHIR "+s.fhir.FHIRVersion()+" has no resource type "+printable(name, 64)+".", expression)
				}
				wanted.Types = append(wanted.Types, domain.ResourceType(name))
			}
		case "targetSearchParameterTypes":
			for _, name := range listIn(p) {
				t := search.ParameterType(strings.ToLower(name))
				if !slices.Contains(parameterTypes, t) {
					return invalid("There is no type of search parameters "+printable(name, 64)+"; there are string, token, date, number, quantity, reference, uri and composite.", expression)
				}
				wanted.ParameterTypes = append(wanted.ParameterTypes, t)
			}
		}
		return err
	})
	return wanted, err
}

var parameterTypes = []search.ParameterType{
	search.String, search.Token, search.Date, search.Number, search.Quantity, search.ReferTo, search.URI, search.Composite,
}

// numberIn reads a whole number, as a JSON number or in a string.
func numberIn(p fhirjson.Value, least, most int, expression string) (int, error) {
	v := valueIn(p)
	text := v.String()
	if v.Kind() == fhirjson.Number {
		text = string(v.Raw())
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < least || n > most {
		return 0, invalid("The value must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most)+".", expression)
	}
	return n, nil
}

// listIn reads names that are separated by commas.
func listIn(p fhirjson.Value) (names []string) {
	for name := range strings.SplitSeq(textIn(p), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// activeReindex answers GET /$reindex: the active job.
func (s *Server) activeReindex(_ context.Context, _ *request) (response, error) {
	job := s.jobs.Registry().Active()
	if job == nil {
		return response{}, domain.NewError(domain.MethodNotAllowed, "No reindex job is active; POST begins one.")
	}
	return s.describeJob(http.StatusOK, job)
}

// reindexJob answers GET /_operations/reindex/{id}.
func (s *Server) reindexJob(_ context.Context, r *request) (response, error) {
	job := s.jobs.Registry().Job(r.id)
	if job == nil {
		return response{}, noJob()
	}
	return s.describeJob(http.StatusOK, job)
}

// cancelReindex answers DELETE /_operations/reindex/{id}.
func (s *Server) cancelReindex(ctx context.Context, r *request) (response, error) {
	if err := s.administrator.CancelJob(ctx, r.caller(), r.id); err != nil {
		return response{}, err
	}
	return response{status: http.StatusAccepted}, nil
}

var jobStates = map[registry.JobState]string{
	registry.Queued: "Queued", registry.Running: "Running", registry.Completed: "Completed",
	registry.Failed: "Failed", registry.Canceled: "Canceled",
}

// describeJob tells of a job in a Parameters resource.
func (s *Server) describeJob(status int, job *registry.Job) (response, error) {
	total, done := job.Total, job.Done
	if !job.State.Ended() {
		if t, d, known := s.jobs.Progress(job.ID); known {
			total, done = t, d
		}
	}
	p := parametersOf(nil)
	p.ID = job.ID
	p.add(resultParameter{Name: "id", String: job.ID})
	p.addInstant("queuedTime", job.QueuedAt)
	p.addInstant("startTime", job.StartedAt)
	p.addInstant("endTime", job.EndedAt)
	p.addInstant("lastModified", job.ChangedAt)
	p.addCount("totalResourcesToReindex", total)
	p.addCount("resourcesSuccessfullyReindexed", done)
	p.add(resultParameter{Name: "progress", Decimal: percent(job.State, total, done)})
	p.add(resultParameter{Name: "status", String: jobStates[job.State]})
	types := make([]string, len(job.Types))
	for i, t := range job.Types {
		types[i] = string(t)
	}
	p.add(resultParameter{Name: "resources", String: strings.Join(types, ",")})
	p.add(resultParameter{Name: "searchParams", String: strings.Join(job.Parameters, ",")})
	p.add(resultParameter{Name: "failureDetails", String: job.Failure})
	p.addCount("maximumNumberOfResourcesPerQuery", uint64(job.Limits.PerQuery))
	p.addCount("maximumNumberOfResourcesPerWrite", uint64(job.Limits.PerWrite))
	p.addCount("queryDelayIntervalInMilliseconds", uint64(job.Limits.DelayMillis))
	return madeOf(status, p)
}

// percent is how much of a job is done, with one decimal, rounded down: 100.0 is
// said of all only.
func percent(state registry.JobState, total, done uint64) json.Number {
	permille := uint64(0)
	switch {
	case total > 0:
		permille = min(done, total) * 1000 / total
	case state == registry.Completed:
		permille = 1000
	}
	return json.Number(strconv.FormatUint(permille/10, 10) + "." + strconv.FormatUint(permille%10, 10))
}

// indexValues answers GET and POST /{type}/{id}/$reindex: the values that a
// resource is found by. There is nothing to be written for a single resource: the
// index has its values since it was stored, but for those of parameters that a
// reindex of all resources is to complete.
func (s *Server) indexValues(ctx context.Context, r *request) (response, error) {
	if err := r.bodyParameters(func(string, fhirjson.Value, string) error { return nil }); err != nil {
		return response{}, err
	}
	id, err := domain.ParseLogicalID(r.id)
	if err != nil {
		return response{}, invalid("The id in the path is wrong: " + err.Error() + ".")
	}
	v, err := s.reader.Read(ctx, r.resourceType(), id)
	if err != nil {
		return response{}, err
	}
	document, err := fhirjson.Parse(v.Body, fhirjson.Limits{})
	if err != nil {
		return response{}, err
	}
	defer document.Release()
	described := s.searcher.Parameters().Describe(document.Root())
	list := make([]resultParameter, len(described))
	for i, value := range described {
		list[i] = resultParameter{Name: value.Code, String: value.Value}
		if value.Value == "" {
			list[i].String = "(empty)"
		}
	}
	return madeOf(http.StatusOK, parametersOf(list))
}
