package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// errStopped tells that a request was given up while it waited to be sent
// again.
var errStopped = errors.New("stopped")

// An unreachableError ends a load: the server takes no connections.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return "the server cannot be reached: " + e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

// checkBase looks whether a URL can be a server's base.
func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no base URL like http://127.0.0.1:8080/fhir", base)
	}
	return nil
}

// send sends a request until the server takes or refuses it: 429, 503 and a
// refused connection are tried again, so often and no longer than the options
// allow. Nothing else is: the server might have done it already.
func (u *Uploader) send(ctx context.Context, r *request) (answer, error) {
	for try := 0; ; try++ {
		a, wait, err := u.sendOnce(ctx, r)
		unreachable := isDial(err)
		again := unreachable && u.answered.Load() || err == nil && wait >= 0
		if !again || try >= u.options.Retries {
			if unreachable {
				err = &unreachableError{err}
			}
			return a, err
		}
		u.counts.retries.Add(1)
		if wait <= 0 {
			wait = 250 * time.Millisecond << min(try, 10)
		}
		timer := time.NewTimer(min(wait, u.options.MaxWait))
		select {
		case <-timer.C:
		case <-u.stop:
			timer.Stop()
			return a, errStopped
		case <-ctx.Done():
			timer.Stop()
			return a, ctx.Err()
		}
	}
}

// isDial tells whether no connection was made, so that nothing was sent.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// sendOnce sends a request. Wait is not below 0 when the server asks to come
// again, 0 when it does not say when.
func (u *Uploader) sendOnce(ctx context.Context, r *request) (a answer, wait time.Duration, err error) {
	h, err := http.NewRequestWithContext(ctx, r.method, strings.TrimRight(u.options.To, "/")+r.path, bytes.NewReader(r.body))
	if err != nil {
		return a, -1, err
	}
	for name, values := range u.options.Headers {
		h.Header[name] = values
	}
	h.Header.Set("Content-Type", "application/fhir+json")
	h.Header.Set("Accept", "application/fhir+json")
	h.Header.Set("Prefer", "return=minimal")
	response, err := u.client.Do(h)
	if err != nil {
		return a, -1, err
	}
	defer response.Body.Close()
	u.answered.Store(true)
	wait = -1
	if response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable {
		wait = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	a, err = readAnswer(response, r)
	if _, rest := io.Copy(io.Discard, response.Body); err == nil {
		err = rest
	}
	return a, wait, err
}

// retryAfter reads the header: seconds or a date. 0 when it says nothing.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return time.Duration(min(max(seconds, 0), 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
