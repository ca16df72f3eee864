package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Options says where to and how. To is needed; every other field's zero value
// works.
type Options struct {
	// To is the base URL of the server, such as http://127.0.0.1:8080/fhir.
	To string
	// Parallel is how many requests are under way at a time. Default 4.
	Parallel int
	// Skip leaves out so many values at the start: those that an earlier,
	// stopped load had finished.
	Skip int
	// Retries bounds how often one request is sent again after 429, 503 or a
	// refused connection. Default 8; below 0 never.
	Retries int
	// MaxWait bounds one wait between retries, whatever Retry-After asks.
	// Default 30 s.
	MaxWait time.Duration
	// Timeout bounds one request. Default 10 minutes.
	Timeout time.Duration
	// MaxValueBytes bounds one JSON value; a larger one fails. Default 512 MiB.
	MaxValueBytes int
	// MemoryBytes bounds the values in memory together; a larger one goes
	// alone. Default 256 MiB.
	MemoryBytes int64
	// Headers go with every request, Authorization for example.
	Headers http.Header
	// Stdin is what the file "-" stands for.
	Stdin io.Reader
	// Failures, when not nil, gets each value that failed as a line of NDJSON
	// that can be loaded again.
	Failures io.Writer
}

func (o *Options) setDefaults() {
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.Retries == 0 {
		o.Retries = 8
	}
	if o.MaxWait == 0 {
		o.MaxWait = 30 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute
	}
	if o.MaxValueBytes == 0 {
		o.MaxValueBytes = 512 << 20
	}
	if o.MemoryBytes == 0 {
		o.MemoryBytes = 256 << 20
	}
}

// validate answers with every mistake at once.
func (o *Options) validate() error {
	var errs []error
	if err := checkBase(o.To); err != nil {
		errs = append(errs, err)
	}
	if o.Parallel < 1 {
		errs = append(errs, fmt.Errorf("parallel: %d is less than 1", o.Parallel))
	}
	if o.Skip < 0 {
		errs = append(errs, fmt.Errorf("skip: %d is less than 0", o.Skip))
	}
	return errors.Join(errs...)
}

// An Uploader does one load. Progress and Stop may be called while Run runs.
type Uploader struct {
	options  Options
	client   *http.Client
	memory   *semaphore.Weighted
	stop     chan struct{}
	stopOnce sync.Once
	counts   counts
	values   tracker
	problems problems
	answered atomic.Bool // the server has answered at least once
}

// counts are the figures of Progress.
type counts struct {
	read, values, requests, resources, failed, retries, sent atomic.Int64
}

// Progress is how far a load is.
type Progress struct {
	ReadBytes int64 // of the files, as they are on disk
	Values    int64 // read, those skipped included
	Requests  int64 // answered
	Resources int64 // that the server took
	Failed    int64 // requests, and entries of batches
	Retries   int64
	SentBytes int64
}

// New makes an Uploader for one load.
func New(o Options) (*Uploader, error) {
	o.setDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = o.Parallel
	transport.DisableCompression = true
	return &Uploader{options: o, client: &http.Client{Transport: transport, Timeout: o.Timeout},
		memory: semaphore.NewWeighted(o.MemoryBytes), stop: make(chan struct{}),
		problems: problems{out: o.Failures}}, nil
}

// Progress tells how far the load is.
func (u *Uploader) Progress() Progress {
	c := &u.counts
	return Progress{ReadBytes: c.read.Load(), Values: c.values.Load(), Requests: c.requests.Load(), Resources: c.resources.Load(),
		Failed: c.failed.Load(), Retries: c.retries.Load(), SentBytes: c.sent.Load()}
}

// Stop lets the requests in flight finish and starts no others. Run returns
// soon after.
func (u *Uploader) Stop() { u.stopOnce.Do(func() { close(u.stop) }) }

func (u *Uploader) stopped() bool {
	select {
	case <-u.stop:
		return true
	default:
		return false
	}
}

// Run loads files in their order and returns what became of them. The error
// tells why a load could not begin or had to end; resources that the server
// refused are in the Summary only. Cancelling the context breaks off requests
// in flight.
func (u *Uploader) Run(ctx context.Context, files []string) (Summary, error) {
	begin := time.Now()
	first, second, err := order(files)
	if err != nil {
		return Summary{}, err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for _, group := range [][]string{first, second} {
		u.runGroup(ctx, fail, group)
	}
	u.client.CloseIdleConnections()
	s := Summary{Progress: u.Progress(), Elapsed: time.Since(begin), Skipped: u.options.Skip, Resume: u.values.finished(),
		Groups: u.problems.groups(), Stopped: u.stopped() || ctx.Err() != nil}
	return s, errors.Join(context.Cause(ctx), u.problems.writeError())
}

// runGroup loads some files and waits until all of it is done.
func (u *Uploader) runGroup(ctx context.Context, fail context.CancelCauseFunc, files []string) {
	work := make(chan unit)
	var workers sync.WaitGroup
	for range u.options.Parallel {
		workers.Go(func() {
			for one := range work {
				if err := u.process(ctx, one); err != nil {
					fail(err)
				}
			}
		})
	}
	for _, name := range files {
		if ctx.Err() != nil || u.stopped() {
			break
		}
		u.readFile(ctx, name, work)
	}
	close(work)
	workers.Wait()
}

// readFile hands the values of one file to the workers.
func (u *Uploader) readFile(ctx context.Context, name string, work chan<- unit) {
	in, err := open(name, u.options.Stdin, &u.counts.read)
	if err != nil {
		u.fail(problem{reason: err.Error(), place: place{file: name}})
		return
	}
	defer in.Close()
	values := newSplitter(in, u.options.MaxValueBytes)
	for ctx.Err() == nil && !u.stopped() {
		data, line, err := values.next()
		where := place{file: name, line: line}
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, errTooLarge):
			u.fail(problem{reason: err.Error(), place: where})
		case err != nil:
			u.fail(problem{reason: "reading: " + err.Error(), place: where})
			return
		}
		n := u.counts.values.Add(1)
		if n <= int64(u.options.Skip) || err != nil {
			u.values.finish(n)
			continue
		}
		u.dispatch(ctx, n, where, data, work)
	}
}

// dispatch hands the requests of one value to the workers, and waits for
// memory before.
func (u *Uploader) dispatch(ctx context.Context, n int64, where place, data []byte, work chan<- unit) {
	weight := min(int64(len(data)), u.options.MemoryBytes)
	if u.memory.Acquire(ctx, weight) != nil {
		return
	}
	one := &value{number: n, release: func(done bool) {
		u.memory.Release(weight)
		if done {
			u.values.finish(n)
		}
	}}
	requests, err := plan(data, where)
	if err != nil {
		u.fail(problem{reason: err.Error(), place: where, data: data})
	}
	one.pending.Store(int64(len(requests)) + 1)
	for _, r := range requests {
		select {
		case work <- unit{one, r}:
		case <-u.stop:
			one.broken.Store(true)
			one.done()
		case <-ctx.Done():
			one.broken.Store(true)
			one.done()
		}
	}
	one.done()
}

// A value is one JSON value of a file with its requests.
type value struct {
	number  int64
	pending atomic.Int64 // requests, and one while they are handed out
	broken  atomic.Bool  // some request was not done
	release func(done bool)
}

// done counts down; the last one releases the value.
func (v *value) done() {
	if v.pending.Add(-1) == 0 {
		v.release(!v.broken.Load())
	}
}

// A unit is one request of a value.
type unit struct {
	value   *value
	request request
}

// process sends one request and notes what became of it. An error ends the
// whole load.
func (u *Uploader) process(ctx context.Context, one unit) error {
	defer one.value.done()
	a, err := u.send(ctx, &one.request)
	var unreachable *unreachableError
	switch {
	case ctx.Err() != nil || errors.Is(err, errStopped):
		one.value.broken.Store(true)
		return nil
	case errors.As(err, &unreachable):
		one.value.broken.Store(true)
		return err
	case err != nil:
		u.fail(problem{status: "no answer", reason: err.Error(), place: one.request.place, data: one.request.body})
		return nil
	}
	u.counts.requests.Add(1)
	u.counts.sent.Add(int64(len(one.request.body)))
	u.counts.resources.Add(int64(a.taken))
	if a.reason != "" {
		u.fail(problem{status: a.status, reason: a.reason, place: one.request.place, data: one.request.body})
	}
	for _, e := range a.failed {
		where := one.request.place
		where.entry = e.index + 1
		u.fail(problem{status: e.status, reason: e.reason, place: where, data: batchOf(one.request.body, e.index)})
	}
	return nil
}

func (u *Uploader) fail(p problem) {
	u.counts.failed.Add(1)
	u.problems.add(p)
}
