package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"fhirlog/cmd/fhirlog/internal/upload"
)

// loadCommand is "fhirlog load". The fields without a flag are for tests; their
// zero values mean the process's own.
type loadCommand struct {
	Files    []string      `arg:"" name:"file" help:"JSON or NDJSON, gzipped or not; '-' is standard input."`
	To       string        `default:"http://127.0.0.1:8080/fhir" env:"FHIRLOG_TO" placeholder:"URL" help:"Base URL of any FHIR server (default ${default})."`
	Parallel int           `short:"p" default:"4" help:"Requests at a time."`
	Skip     int           `placeholder:"N" help:"Leave out the first N values; a stopped load tells how many."`
	Failures string        `placeholder:"FILE" help:"Write what failed to FILE, as NDJSON that can be loaded again."`
	Header   []string      `short:"H" sep:"none" placeholder:"LINE" help:"A header line for every request, such as 'Authorization: Bearer …'."`
	Retries  int           `default:"8" help:"How often to try again when the server is busy (429, 503) or takes no connection."`
	Timeout  time.Duration `default:"10m" help:"How long one request may take."`

	Stdin   io.Reader      `kong:"-"`
	Stdout  io.Writer      `kong:"-"`
	Stderr  io.Writer      `kong:"-"`
	Signals chan os.Signal `kong:"-"`
}

// Help is shown by "fhirlog load --help".
func (*loadCommand) Help() string {
	return `A transaction or batch Bundle is posted as it is. Of other Bundles (collection, searchset, …) each resource goes on its own. ` +
		`A resource with an id is PUT under it, one without is POSTed.

Files are read in the order given and sent several values at a time, so order within them is kept only roughly. ` +
		`A file with '.support.' in its name (hospitals and practitioners, say) is complete before any other begins.

    fhirlog load r4.support.bundles.ndjson.gz r4.patients.bundles.ndjson.gz
    zcat export/*.ndjson.gz | fhirlog load --to http://other:8080/fhir -
    fhirlog load --failures failed.ndjson big.ndjson; fhirlog load failed.ndjson

Ctrl-C lets finish what is under way and tells how to go on; a second one stops at once. ` +
		`The exit code is 1 when anything failed or was left out.`
}

// Run loads the files. Cancelling the context is like the first Ctrl-C.
func (c *loadCommand) Run(ctx context.Context) (err error) {
	c.setDefaults()
	o, err := c.options()
	if err != nil {
		return err
	}
	if c.Failures != "" {
		if err := c.keepInputs(); err != nil {
			return err
		}
		f, createErr := os.Create(c.Failures)
		if createErr != nil {
			return createErr
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		o.Failures = f
	}
	uploader, err := upload.New(o)
	if err != nil {
		return err
	}
	hard, done := c.listen(ctx, uploader)
	finishBar := c.showProgress(uploader)
	summary, err := uploader.Run(hard, c.Files)
	finishBar()
	done()
	summary.Print(c.Stdout)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	switch {
	case summary.Failed > 0:
		return fmt.Errorf("%d failed", summary.Failed)
	case summary.Stopped:
		return errors.New("stopped before the end")
	}
	return nil
}

// keepInputs refuses to write the failures over a file that is to be read.
func (c *loadCommand) keepInputs() error {
	out, err := os.Stat(c.Failures)
	if err != nil {
		return nil // it will be new
	}
	for _, name := range c.Files {
		if in, err := os.Stat(name); err == nil && os.SameFile(in, out) {
			return fmt.Errorf("--failures: %s is to be loaded, it would be overwritten", c.Failures)
		}
	}
	return nil
}

func (c *loadCommand) setDefaults() {
	if c.Stdin == nil {
		c.Stdin = os.Stdin
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
}

// options makes the uploader's options of the flags.
func (c *loadCommand) options() (upload.Options, error) {
	o := upload.Options{To: c.To, Parallel: c.Parallel, Skip: c.Skip, Retries: c.Retries, Timeout: c.Timeout,
		Headers: make(http.Header), Stdin: c.Stdin}
	if o.Retries == 0 {
		o.Retries = -1 // there, 0 is the default
	}
	for _, line := range c.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(line, "\r\n") {
			return o, fmt.Errorf("--header: %q is not of the form 'Name: value'", line)
		}
		o.Headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return o, nil
}

// listen stops the uploader at the first signal and cancels what it returns at
// the second. Done ends the listening.
func (c *loadCommand) listen(ctx context.Context, u *upload.Uploader) (hard context.Context, done func()) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	signals := c.Signals
	if signals == nil {
		signals = make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	}
	unwatch := context.AfterFunc(ctx, u.Stop)
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-signals:
			u.Stop()
			fmt.Fprintln(c.Stderr, "\nfinishing what is under way; once more stops at once")
		case <-ended:
			return
		}
		select {
		case <-signals:
			cancel()
		case <-ended:
		}
	}()
	return hard, func() {
		signal.Stop(signals)
		unwatch()
		close(ended)
		<-gone
		cancel()
	}
}

// showProgress draws a bar on a terminal until finish is called. Its length is
// that of the files; standard input has none.
func (c *loadCommand) showProgress(u *upload.Uploader) (finish func()) {
	terminal, ok := c.Stderr.(*os.File)
	if !ok || !isTerminal(terminal) {
		return func() {}
	}
	bar := progressbar.NewOptions64(c.inputBytes(),
		progressbar.OptionSetWriter(terminal),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionClearOnFinish(),
	)
	began, ended, gone := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticks := time.NewTicker(200 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				p := u.Progress()
				bar.Describe(progressText(p, time.Since(began)))
				_ = bar.Set64(p.ReadBytes) // a terminal that cannot be written is no reason to stop
			case <-ended:
				_ = bar.Clear()
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-gone
	}
}

// progressText stands before the bar.
func progressText(p upload.Progress, elapsed time.Duration) string {
	text := fmt.Sprintf("%d resources, %.0f/s", p.Resources, float64(p.Resources)/max(elapsed.Seconds(), 0.1))
	if p.Failed > 0 {
		text += fmt.Sprintf(", %d failed", p.Failed)
	}
	return text
}

// inputBytes is how long the files are together, -1 when that is not known.
func (c *loadCommand) inputBytes() (total int64) {
	for _, name := range c.Files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		total += info.Size()
	}
	return total
}
