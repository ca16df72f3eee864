package httpapi

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"fhirlog/domain/definitions"
)

const (
	firstToken  = "0123456789abcdef-one"
	secondToken = "0123456789abcdef-two=="
)

func TestEventTokens(t *testing.T) {
	var lines bytes.Buffer
	for name, o := range map[string]Options{
		"on the main address": {},
		"beside an author":    {AuthorHeader: "X-User"}, // an auditor's program has no proxy in front of it
	} {
		t.Run(name, func(t *testing.T) {
			o.EventTokens, o.Logger = []string{firstToken, secondToken}, zerolog.New(&lines)
			l := newTold()
			sv := newFeedService(t, &told{}, o)
			sv.s.events = l
			for _, token := range []string{"Bearer " + firstToken, "bearer  " + firstToken, "Bearer " + secondToken} {
				sv.do("GET /log/events?until=now", "Authorization: "+token).want(200)
			}
			asked := l.asked.Swap(nil)
			for _, headers := range [][]string{
				nil, {"Authorization: "}, {"Authorization: Bearer"}, {"Authorization: Bearer "}, {"Authorization: Bearer " + firstToken[:19]}, {"Authorization: Bearer " + firstToken + "x"},
				{"Authorization: Bearer " + firstToken + "\n" + secondToken}, {"Authorization: Basic " + firstToken}, {"Authorization: " + firstToken},
				{"Authorization: Bearer " + firstToken, "Authorization: Bearer " + firstToken}, {"X-User: ida"},
			} {
				for _, line := range []string{"GET /log/events", "HEAD /log/events", "POST /log/events", "GET /log/events?form=1", "GET /log/events?access_token=" + firstToken} {
					a := sv.do(line, headers...).header("Www-Authenticate", `Bearer realm="fhirlog"`)
					if a.Code != 401 || strings.Contains(a.Body.String(), firstToken) {
						t.Errorf("%s with %q: %d %s", line, headers, a.Code, a.Body)
					}
				}
			}
			if asked == nil || l.asked.Load() != nil {
				t.Error("the log was told to somebody without a token, or to nobody at all")
			}
		})
	}
	if strings.Contains(lines.String(), firstToken[:16]) {
		t.Errorf("a token is in the log of the server:\n%s", lines.String())
	}
}

// TestEventTokensOfAnAddressOfItsOwn guards the listener of the metrics, too.
func TestEventTokensOfAnAddressOfItsOwn(t *testing.T) {
	sv := newFeedService(t, newTold(), Options{SeparateMetrics: true, EventTokens: []string{firstToken}})
	sv.do("GET /log/events", "Authorization: Bearer "+firstToken).want(404)
	for header, want := range map[string]int{"": 401, "Bearer " + secondToken: 401, "Bearer " + firstToken: 200} {
		r := httptest.NewRequest("GET", "/log/events", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		sv.s.EventsHandler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("with %q: %d %s", header, w.Code, w.Body)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	d, err := definitions.Load(definitions.R4)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(d)
	for _, token := range []string{"", "0123456789abcde", "0123456789abcdef 0", "0123456789abcdéf", "0123456789abc\"ef", "=0123456789abcdef", "================"} {
		_, err := New(Dependencies{Writer: m, Reader: m, Searcher: m, Definitions: d}, Options{EventTokens: []string{firstToken, token}})
		if err == nil || !strings.Contains(err.Error(), "event token 2") || token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}
