package main

import (
	"errors"
	"fmt"
	"strings"

	"fhirlog/httpapi"
)

// callerFlags say how the server knows who asks.
type callerFlags struct {
	AuthorHeader   string `name:"author-header" env:"FHIRLOG_AUTHOR_HEADER" placeholder:"NAME" help:"Header in which a proxy that authenticates says who asks, such as X-Forwarded-User: that goes into the log with all that a request writes. Whoever asks without it gets 401, but for /metadata, health, /metrics and the hashes and signatures of the log. fhirlog believes the header: the proxy must drop it from what clients send, and nobody may reach fhirlog but through the proxy."`
	LogEventsToken string `name:"log-events-token" env:"FHIRLOG_LOG_EVENTS_TOKEN" placeholder:"FILE" help:"File with tokens, one in a line: /log/events is told only to who sends one of them, as Authorization: Bearer TOKEN. Make one with openssl rand -hex 32. Read at the start."`
}

// mostTokenBytes bounds a file of tokens.
const mostTokenBytes = 64 << 10

// readTokens reads a file of tokens.
func readTokens(file string) ([]string, error) {
	text, err := readBounded(file, mostTokenBytes)
	if err != nil {
		return nil, err
	}
	var tokens []string
	for i, line := range strings.Split(string(text), "\n") {
		token := strings.TrimSpace(line)
		if token == "" {
			continue
		}
		if wrong := httpapi.CheckToken(token); wrong != "" {
			return nil, fmt.Errorf("%s: the token in line %d %s", file, i+1, wrong)
		}
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%s has no token: put one into it with openssl rand -hex 32", file)
	}
	return tokens, nil
}

// eventTokens are the tokens that /log/events wants one of.
func (c *callerFlags) eventTokens(noEvents bool) ([]string, error) {
	if c.LogEventsToken == "" {
		return nil, nil
	}
	if noEvents {
		return nil, errors.New("--log-events-token and --no-log-events contradict each other: leave one of them out")
	}
	tokens, err := readTokens(c.LogEventsToken)
	if err != nil {
		return nil, fmt.Errorf("--log-events-token: %w", err)
	}
	return tokens, nil
}
