package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// options are the flags. Their help is what --help prints.
type options struct {
	Base     string        `arg:"" name:"base-url" help:"Base URL of a FHIR R4 server, such as http://127.0.0.1:8080/fhir."`
	Workload []string      `short:"w" default:"W1" placeholder:"W1" help:"Workloads to run, one after the other: W1, W2, W5, W8 (default W1)."`
	Clients  []int         `short:"c" placeholder:"N" help:"Numbers of clients, one run for each (default W1 300,16; W2 20; W5 64; W8 1,4,16,64,128)."`
	Duration time.Duration `short:"d" default:"20s" help:"How long each run is measured."`
	WarmUp   time.Duration `default:"3s" help:"How long it runs before that (not with --rounds)."`
	Rounds   int           `short:"n" placeholder:"N" help:"Measure N rounds of each client in place of a duration; with W2, N passes over the data."`
	Seed     int64         `default:"1" help:"The same seed makes the same resources."`
	File     []string      `short:"f" type:"existingfile" placeholder:"FILE" help:"W2: NDJSON of transaction Bundles, gzipped or not; '.support.' in its name: posted before the clock runs."`
	Patients int           `default:"200" help:"W2 without --file: patients to make up."`
	Preload  int           `default:"512" placeholder:"MIB" help:"W2: read so much of the files before the clock runs (default ${default})."`
	PID      []int         `name:"pid" placeholder:"PID" help:"The server's processes: CPU, memory, bytes written."`
	Data     string        `type:"existingdir" placeholder:"DIR" help:"The server's data folder: bytes on disk for each version written."`
	Metrics  string        `placeholder:"URL" help:"fhirlog's metrics, such as http://127.0.0.1:8080/metrics: commits per sync."`
	SyncDir  string        `type:"existingdir" placeholder:"DIR" help:"Where to measure the disk's own sync rate (default the folder of --data)."`
	Prefer   string        `placeholder:"VALUE" help:"A Prefer header for every request, such as return=minimal."`
	Header   []string      `short:"H" sep:"none" placeholder:"LINE" help:"A header line for every request, such as 'Authorization: Bearer …'."`
	Timeout  time.Duration `default:"60s" help:"How long to wait for an answer."`
	Threads  int           `default:"1" help:"Processors this program may use; more than one is rarely needed."`
	JSON     bool          `name:"json" help:"Print each run as one line of JSON."`
}

const description = `Drive a FHIR R4 server with the workloads of public comparisons and tell what a request costs.

W1 creates, reads, updates and deletes nine resources that refer to each other, 36 requests a round. ` +
	`W2 posts whole patient records as transactions. W5 mixes reads and writes. W8 posts small transactions.

Measure a server that runs here, with everything that can be known about it:

    fhirlog serve --data ./data &
    fhirbench http://127.0.0.1:8080/fhir --pid $! --data ./data \
        --metrics http://127.0.0.1:8080/metrics

Small transactions at three loads, ten seconds each:

    fhirbench http://127.0.0.1:8080/fhir -w W8 -c 1,16,128 -d 10s --pid 4711

Load Synthea's patients once and see what each resource takes on disk:

    fhirbench http://127.0.0.1:8080/fhir -w W2 -n 1 --data ./data \
        -f r4.support.bundles.ndjson.gz -f r4.patients.bundles.ndjson.gz

Compare two servers, in turns, for a script to read:

    for url in $A $B $A $B; do fhirbench $url -w W1,W5 --json >>runs.ndjson; done

The exit code is 1 when any request failed; the report shows an example of each kind of failure.`

// headers are the lines that go with every request.
func (o *options) headers() []string {
	lines := o.Header
	if o.Prefer != "" {
		lines = append([]string{"Prefer: " + o.Prefer}, lines...)
	}
	return lines
}

// Validate answers with every mistake at once; kong calls it.
func (o *options) Validate() error {
	var errs []error
	for i, name := range o.Workload {
		o.Workload[i] = strings.ToUpper(name)
		if newWorkload(name) == nil {
			errs = append(errs, fmt.Errorf("--workload: %q is none of W1, W2, W5, W8", name))
		}
	}
	if slices.ContainsFunc(o.Clients, func(n int) bool { return n < 1 }) {
		errs = append(errs, errors.New("--clients: at least 1"))
	}
	for name, n := range map[string]int64{"--duration": int64(o.Duration), "--timeout": int64(o.Timeout),
		"--patients": int64(o.Patients), "--preload": int64(o.Preload), "--threads": int64(o.Threads)} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("%s: must be more than 0", name))
		}
	}
	if o.Rounds < 0 || o.WarmUp < 0 {
		errs = append(errs, errors.New("--rounds, --warm-up: not below 0"))
	}
	if o.Timeout > 0 {
		if _, err := newTarget(o.Base, o.headers(), o.Timeout); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// newWorkload knows the workloads by name; nil for another.
func newWorkload(name string) workload {
	switch strings.ToUpper(name) {
	case "W1":
		return crud{}
	case "W2":
		return new(bundles)
	case "W5":
		return mixed{}
	case "W8":
		return pairs{}
	}
	return nil
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("fhirbench"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110, NoExpandSubcommands: true}), kong.ValueFormatter(func(v *kong.Value) string { return v.Help }))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	debug.SetGCPercent(400)
	runtime.GOMAXPROCS(min(o.Threads, runtime.NumCPU()))
	if err := o.runAll(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fhirbench:", err)
		os.Exit(1)
	}
}

// runAll does all runs and reports each as it ends.
func (o *options) runAll(ctx context.Context, out io.Writer) error {
	rate, err := o.syncRate()
	if err != nil {
		return err
	}
	var all []result
	var failed uint64
	for _, name := range o.Workload {
		w := newWorkload(name)
		clients := o.Clients
		if len(clients) == 0 {
			clients = w.defaultClients()
		}
		for _, n := range clients {
			r, err := newRun(o, w, n)
			if err != nil {
				return err
			}
			res, err := r.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s with %d clients: %w", name, n, err)
			}
			res.Workload, res.SyncRate, res.Interrupted = name, rate, ctx.Err() != nil
			if o.JSON {
				if err := printJSON(out, &res); err != nil {
					return err
				}
			} else {
				printResult(out, &res)
			}
			all, failed = append(all, res), failed+res.Errors
			if ctx.Err() != nil {
				return errors.New("interrupted")
			}
		}
	}
	if len(all) > 1 && !o.JSON {
		printSummary(out, all)
	}
	if failed > 0 {
		return fmt.Errorf("%d requests failed", failed)
	}
	return nil
}

// syncRate measures the disk for half a second, when a folder is known.
func (o *options) syncRate() (*syncRate, error) {
	dir := o.SyncDir
	if dir == "" {
		dir = o.Data
	}
	if dir == "" {
		return nil, nil
	}
	rate, err := measureSyncs(dir, 500*time.Millisecond)
	return &rate, err
}
