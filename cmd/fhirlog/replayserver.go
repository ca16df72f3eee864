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
	"strconv"
	"strings"
	"time"

	"fhirlog/domain/feed"
)

// replayServer reads from a running server. While it follows and the connection is lost, it
// goes on where it was.
func (c *replayCommand) replayServer(ctx context.Context, p *printer) error {
	values := url.Values{}
	words := c.words()
	for name, value := range map[string]string{
		"from": c.From, "until": c.Until, "type": words.Type, "resource": words.Resource, "author": words.Author,
		"agent": words.Agent, "address": words.Address, "interaction": words.Interaction,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, on := range map[string]bool{"follow": c.Follow, "all": c.All, "bodies": c.Bodies} {
		values.Set(name, strconv.FormatBool(on))
	}
	token := ""
	if c.Token != "" {
		tokens, err := readTokens(c.Token)
		if err != nil {
			return fmt.Errorf("--token: %w", err)
		}
		token = tokens[0]
	}
	r := &remote{token: token, url: strings.TrimRight(c.URL, "/") + "/log/events?", values: values, printer: p}
	for {
		ended, err := r.read(ctx)
		if flushed := p.out.Flush(); flushed != nil {
			return flushed
		}
		switch {
		case ctx.Err() != nil && c.Follow:
			return nil // that is how one stops it
		case ctx.Err() != nil || !errors.Is(err, errLost):
			return err
		case !c.Follow:
			return fmt.Errorf("%w; go on with --from %d", err, r.next)
		case ended, r.known:
		default:
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

// errLost says that the server's answer broke off.
var errLost = errors.New("the connection to the server was lost")

// remote is a feed that is read from a server.
type remote struct {
	url     string
	token   string // "" for none
	values  url.Values
	printer *printer
	next    uint64 // where to go on
	known   bool   // next is known: something has come
}

// read reads one answer. ended says that it came to its end.
func (r *remote) read(ctx context.Context) (ended bool, err error) {
	if r.known {
		r.values.Set("from", strconv.FormatUint(r.next, 10))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+r.values.Encode(), nil)
	if err != nil {
		return false, fmt.Errorf("--url: %w", err)
	}
	request.Header.Set("Accept", "application/x-ndjson")
	if r.token != "" {
		request.Header.Set("Authorization", "Bearer "+r.token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errLost, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
		hint := ""
		switch answer.StatusCode {
		case http.StatusUnauthorized:
			hint = "\nGive a file with a token with --token"
		case http.StatusNotFound:
			hint = "\nGive the address of the server without the path of the FHIR service, or that of --metrics-listen; with --no-log-events it does not tell its log"
		}
		return false, fmt.Errorf("the server answers %s: %s%s", answer.Status, bytes.TrimSpace(text), hint)
	}
	lines := bufio.NewReaderSize(answer.Body, 64<<10)
	marked := false
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && len(line) == 0 && marked {
				if r.values.Get("follow") == "true" {
					return true, fmt.Errorf("%w: it has stopped", errLost)
				}
				return true, nil
			}
			return false, fmt.Errorf("%w: %w", errLost, err)
		}
		if marked, err = r.take(line); err != nil {
			return false, err
		}
		if lines.Buffered() == 0 {
			if err := r.printer.out.Flush(); err != nil {
				return false, err
			}
		}
	}
}

// take prints a line.
func (r *remote) take(line []byte) (mark bool, err error) {
	e, next, err := feed.ParseJSON(line)
	if err != nil {
		return false, err
	}
	p := r.printer
	switch {
	case p.ndjson:
		_, err = p.out.Write(line)
	case e != nil:
		_, err = p.out.Write(append(e.AppendText(p.line[:0]), '\n'))
	}
	if e != nil {
		next = e.Position + 1
	}
	r.next, r.known = next, true
	return e == nil, err
}
