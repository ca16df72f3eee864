package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
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
	Workload []string      `short:"w" default:"W1" placeholder:"W1" help:"Workloads to run, one after the other: W1, W2, W3, W4, W5, W8, W9, W11 (default W1)."`
	Clients  []int         `short:"c" placeholder:"N" help:"Numbers of clients, one run for each (default W1 300,16; W2 20; W3 30; W4 64; W5 64; W8 1,4,16,64,128; W9 4; W11 as W3 and W9)."`
	Duration time.Duration `short:"d" default:"20s" help:"How long each run is measured."`
	WarmUp   time.Duration `default:"3s" help:"How long it runs before that (not with --rounds)."`
	Rounds   int           `short:"n" placeholder:"N" help:"Measure N rounds of each client in place of a duration; with W2, N passes over the data."`
	Seed     int64         `default:"1" help:"The same seed makes the same resources."`
	File     []string      `short:"f" type:"existingfile" placeholder:"FILE" help:"W2: NDJSON of transaction Bundles, gzipped or not; '.support.' in its name: posted before the clock runs."`
	Patients int           `default:"200" help:"W2 without --file: patients to make up."`
	Preload  int           `default:"512" placeholder:"MIB" help:"W2: read so much of the files before the clock runs (default ${default})."`
	Shapes   bool          `help:"W3, W4, W9, W11: also print each shape's latency, the slowest first."`
	Only     string        `placeholder:"REGEX" help:"W3, W4, W9, W11: only the shapes with such names, as --shapes prints them."`
	Skip     string        `placeholder:"REGEX" help:"W3, W4, W9, W11: not these shapes."`
	AsOf     string        `placeholder:"MOMENT" help:"W11: an instant or position for _asOf (default when half the patients were loaded)."`
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
	`W2 posts whole patient records as transactions. W3 walks about seventy shapes of search, W4 draws from thirty. ` +
	`W5 mixes reads and writes. W8 posts small transactions. W9 counts Observations of rare, common and dense codes, then downloads them. ` +
	`W11 is W3 and W9 now and as of the middle of the load (fhirlog's _asOf).

W3, W4, W9 and W11 search what is loaded already, and read samples of it before the clock runs. Nothing else should write meanwhile.

Measure a server that runs here, with everything that can be known about it:

    fhirlog serve --data ./data &
    fhirbench http://127.0.0.1:8080/fhir --pid $! --data ./data \
        --metrics http://127.0.0.1:8080/metrics

Small transactions at three loads, ten seconds each:

    fhirbench http://127.0.0.1:8080/fhir -w W8 -c 1,16,128 -d 10s --pid 4711

Load Synthea's patients once and see what each resource takes on disk:

    fhirbench http://127.0.0.1:8080/fhir -w W2 -n 1 --data ./data \
        -f r4.support.bundles.ndjson.gz -f r4.patients.bundles.ndjson.gz

Search what was loaded and see which searches are slow; then those of dates alone:

    fhirbench http://127.0.0.1:8080/fhir -w W3 --shapes --pid 4711
    fhirbench http://127.0.0.1:8080/fhir -w W3 --shapes --pid 4711 --only 'date'

Search as the data grows: load the patients three times more (their ids are new), and measure again:

    fhirbench http://127.0.0.1:8080/fhir -w W2 -n 3 -f r4.support.bundles.ndjson.gz -f r4.patients.bundles.ndjson.gz
    fhirbench http://127.0.0.1:8080/fhir -w W4 --pid 4711

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
		if steps(o.Workload[i]) == nil {
			errs = append(errs, fmt.Errorf("--workload: %q is none of W1, W2, W3, W4, W5, W8, W9, W11", name))
		}
	}
	for flag, pattern := range map[string]string{"--only": o.Only, "--skip": o.Skip} {
		if _, err := regexp.Compile(pattern); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", flag, err))
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
		from := len(all)
		for _, step := range steps(name) {
			done, err := o.runStep(ctx, name, step, rate, out)
			if all = append(all, done...); err != nil {
				return err
			}
		}
		if compared := compare(all[from:]); len(compared) > 0 {
			if !o.JSON {
				printComparison(out, compared)
			} else if err := printComparisonJSON(out, name, compared); err != nil {
				return err
			}
		}
	}
	for _, r := range all {
		failed += r.Errors
	}
	if len(all) > 1 && !o.JSON {
		printSummary(out, all)
	}
	if failed > 0 {
		return fmt.Errorf("%d requests failed", failed)
	}
	return nil
}

// runStep does one run for each number of clients and reports each as it ends.
func (o *options) runStep(ctx context.Context, name string, of step, rate *syncRate, out io.Writer) (all []result, err error) {
	clients := o.Clients
	if len(clients) == 0 {
		clients = of.workload.defaultClients()
	}
	for _, n := range clients {
		r, err := newRun(o, of.workload, n)
		if err != nil {
			return all, err
		}
		r.warmUp, r.duration = r.warmUp/time.Duration(of.turns), r.duration/time.Duration(of.turns)
		res, err := r.measure(ctx)
		if err != nil {
			return all, fmt.Errorf("%s with %d clients: %w", name, n, err)
		}
		res.Workload, res.Part, res.SyncRate, res.Interrupted = name, of.part, rate, ctx.Err() != nil
		if o.JSON {
			if err := printJSON(out, &res); err != nil {
				return all, err
			}
		} else {
			printResult(out, &res)
		}
		all = append(all, res)
		if ctx.Err() != nil {
			return all, errors.New("interrupted")
		}
	}
	return all, nil
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
