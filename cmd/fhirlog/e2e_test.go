package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests below run the real program: built once, started with a data folder
// of its own on a free port of this machine, and stopped or killed by its
// process id.

// programDir is where the program under test is built; TestMain removes it.
var programDir string

func TestMain(m *testing.M) {
	var err error
	if programDir, err = os.MkdirTemp("", "fhirlog-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(programDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// buildFlags are more flags for the go command, set before the tests run.
var buildFlags []string

// program builds fhirlog at the first call and returns the path of the binary.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programDir, "fhirlog")
	arguments := append(append([]string{"build"}, buildFlags...), "-o", path, ".")
	if out, err := exec.Command("go", arguments...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// command prepares a run of the program. Settings that steer the tests, or that
// the developer has in the environment, do not reach it.
func command(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, path, args...)
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "FHIRLOG_") {
			c.Env = append(c.Env, setting)
		}
	}
	if source := os.Getenv(testKey); source != "" {
		c.Env = append(c.Env, "FHIRLOG_ENCRYPTION_KEY="+source)
	}
	return c
}

// runProgram runs the program to its end, with settings such as FHIRLOG_DATA=x
// before its arguments, and returns what it printed.
func runProgram(t testing.TB, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	settings := 0
	for settings < len(args) && strings.HasPrefix(args[settings], "FHIRLOG_") {
		settings++
	}
	c := command(ctx, t, args[settings:]...)
	c.Env = append(c.Env, args[:settings]...)
	var out, fault bytes.Buffer
	c.Stdout, c.Stderr = &out, &fault
	err = c.Run()
	if ctx.Err() != nil {
		t.Fatalf("fhirlog %q does not end\n%s", args, fault.String())
	}
	return out.String(), fault.String(), err
}

// patience is how long a test waits for the program before it is called stuck;
// no test depends on how fast it is.
const patience = 2 * time.Minute

// server is a running `fhirlog serve`.
type server struct {
	t      testing.TB
	data   string
	base   string // such as http://127.0.0.1:41234/fhir
	cmd    *exec.Cmd
	stderr lockedBuffer
	ended  chan error // gets the result of the process once
	gone   bool
}

// startServer starts the program on a data folder and waits for its URL.
// Whatever happens, the process ends with the test.
func startServer(t testing.TB, data string, flags ...string) *server {
	t.Helper()
	s := launch(t, data, flags...)
	if err := s.awaitURL(s.pipe(t)); err != nil {
		t.Fatalf("start fhirlog: %v\n%s", err, s.stderr.String())
	}
	return s
}

// launch prepares the process; pipe starts it.
func launch(t testing.TB, data string, flags ...string) *server {
	t.Helper()
	s := &server{t: t, data: data, ended: make(chan error, 1)}
	s.cmd = command(context.Background(), t, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--log-format", "json"}, flags...)...)
	s.cmd.Stderr = &s.stderr
	return s
}

// pipe starts the process and returns what it prints.
func (s *server) pipe(t testing.TB) io.Reader {
	t.Helper()
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !s.gone {
			s.kill()
		}
	})
	return stdout
}

var printedURL = regexp.MustCompile(`serves FHIR \S+ at (http://\S+)`)

// awaitURL reads the line that tells where the server is, and goes on reading
// until the process ends.
func (s *server) awaitURL(stdout io.Reader) error {
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if m := printedURL.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
		close(found)
		s.ended <- s.cmd.Wait()
	}()
	select {
	case link, ok := <-found:
		if !ok {
			s.gone = true
			return fmt.Errorf("it ended before it told its URL: %w", <-s.ended)
		}
		s.base = link
		return nil
	case <-time.After(patience):
		return errors.New("it does not tell its URL")
	}
}

// stop asks the server to stop and waits; it must end without an error.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatalf("stop fhirlog: %v", err)
	}
	select {
	case err := <-s.ended:
		s.gone = true
		if err != nil {
			s.t.Fatalf("fhirlog stopped with %v\n%s", err, s.stderr.String())
		}
	case <-time.After(patience):
		s.t.Fatalf("fhirlog does not stop\n%s", s.stderr.String())
	}
}

// kill ends the process at once, as a crash does, and waits until it is gone.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.ended
	s.gone = true
}

// logLine waits for a line of the log: it comes through a pipe of its own.
func (s *server) logLine(message string) string {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for line := range strings.Lines(s.stderr.String()) {
			if strings.Contains(line, `"message":"`+message+`"`) && strings.HasSuffix(line, "\n") {
				return line
			}
		}
	}
	s.t.Fatalf("the log does not say %q:\n%s", message, s.stderr.String())
	return ""
}

// root is the URL of the server above the FHIR service.
func (s *server) root() string {
	link, err := url.Parse(s.base)
	if err != nil {
		s.t.Fatal(err)
	}
	return link.Scheme + "://" + link.Host
}

// client speaks to servers under test; it neither unpacks nor follows anything
// by itself.
var client = &http.Client{
	Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
	Timeout:   10 * time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one request. The error is that of the connection.
func (s *server) ask(method, path, body string, headers ...string) (answer, error) {
	request, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/fhir+json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, content}, err
}

// must sends one request that has to get a status.
func (s *server) must(status int, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a, err := s.ask(method, path, body, headers...)
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", method, path, err, s.stderr.String())
	}
	if a.status != status {
		s.t.Fatalf("%s %s: got %d, want %d\n%.2000s", method, path, a.status, status, a.body)
	}
	return a
}

// lockedBuffer is written by a process and read by the test.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
