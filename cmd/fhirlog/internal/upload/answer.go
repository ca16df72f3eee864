package upload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An answer is what the server made of a request.
type answer struct {
	status string // such as "422 Unprocessable Entity"
	reason string // why the whole request failed, "" when it did not
	taken  int    // resources
	failed []entryFailure
}

// An entryFailure is an entry of a batch that the server refused.
type entryFailure struct {
	index          int
	status, reason string
}

// maxOutcome bounds how much of a refusal is read.
const maxOutcome = 1 << 20

// readAnswer reads a response to a request. Of a Bundle it keeps the entries
// that failed only, however long it is.
func readAnswer(response *http.Response, r *request) (answer, error) {
	a := answer{status: response.Status}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxOutcome))
		if a.reason = outcomeReason(body); a.reason == "" {
			a.reason = "no reason given"
		}
		return a, err
	}
	if r.path != "" {
		a.taken = 1
		return a, nil
	}
	entries, err := a.readEntries(response.Body)
	if err != nil {
		return a, fmt.Errorf("the answer to a Bundle: %w", err)
	}
	if entries == 0 {
		entries = r.entries // return=minimal may leave out the whole answer
	}
	a.taken = entries - len(a.failed)
	return a, nil
}

// readEntries walks over a Bundle in a stream and counts its entries.
func (a *answer) readEntries(body io.Reader) (n int, err error) {
	d := jsontext.NewDecoder(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	err = eachMember(d, func(name string) error {
		if name != "entry" || d.PeekKind() != '[' {
			return d.SkipValue()
		}
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		for ; d.PeekKind() != ']'; n++ {
			if err := a.readEntry(d, n); err != nil {
				return err
			}
		}
		_, err := d.ReadToken()
		return err
	})
	if errors.Is(err, io.EOF) { // an empty body
		err = nil
	}
	return n, err
}

// readEntry looks for the status of one entry.
func (a *answer) readEntry(d *jsontext.Decoder, index int) error {
	return eachMember(d, func(name string) error {
		if name != "response" {
			return d.SkipValue()
		}
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		var response struct {
			Status  string          `json:"status"`
			Outcome json.RawMessage `json:"outcome"`
		}
		if err := json.Unmarshal(value, &response); err != nil {
			return err
		}
		if !strings.HasPrefix(response.Status, "2") {
			reason := outcomeReason(response.Outcome)
			if reason == "" {
				reason = "no reason given"
			}
			a.failed = append(a.failed, entryFailure{index, response.Status, reason})
		}
		return nil
	})
}

// eachMember calls fn after the name of each member of an object; fn reads the
// value.
func eachMember(d *jsontext.Decoder, fn func(name string) error) error {
	if kind := d.PeekKind(); kind != '{' {
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		return fmt.Errorf("%v in place of an object", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := fn(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// maxReason bounds what is kept of a reason.
const maxReason = 300

// issue is what is read of OperationOutcome.issue.
type issue struct {
	Code        string
	Diagnostics string
	Details     struct{ Text string }
	Expression  []string
}

// indexes are left out of expressions, so that the same fault in other entries
// counts as the same.
var indexes = regexp.MustCompile(`\[[0-9]+\]`)

func (i issue) String() string {
	text := cmp.Or(i.Diagnostics, i.Details.Text, i.Code)
	if len(i.Expression) > 0 {
		text = indexes.ReplaceAllString(i.Expression[0], "") + ": " + text
	}
	return text
}

// outcomeReason is the first issue of an OperationOutcome, else the beginning of
// the text. Servers put an issue of the code processing first to say which entry
// of a transaction failed; why is in the next one.
func outcomeReason(body []byte) string {
	var outcome struct{ Issue []issue }
	text := string(body[:min(len(body), maxReason)])
	if json.Unmarshal(body, &outcome) == nil && len(outcome.Issue) > 0 {
		text = outcome.Issue[0].String()
		if outcome.Issue[0].Code == "processing" && len(outcome.Issue) > 1 {
			text = outcome.Issue[1].String()
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxReason {
		text = text[:maxReason] + "…"
	}
	return strings.ToValidUTF8(text, "")
}
