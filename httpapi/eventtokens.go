package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"fhirlog/domain"
)

// eventTokens are those that open the events of the log, hashed: so all are of one
// length, and a comparison takes the same time whatever was sent. None opens them to
// everybody who reaches them.
type eventTokens [][sha256.Size]byte

func newEventTokens(tokens []string) eventTokens {
	var hashed eventTokens
	for _, token := range tokens {
		hashed = append(hashed, sha256.Sum256([]byte(token)))
	}
	return hashed
}

// check looks for one of the tokens in a request (RFC 6750, 2.1).
func (ts eventTokens) check(h *http.Request) error {
	if len(ts) == 0 {
		return nil
	}
	given := h.Header["Authorization"]
	if len(given) == 1 {
		scheme, token, _ := strings.Cut(given[0], " ")
		hash := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
		known := 0
		for i := range ts {
			known |= subtle.ConstantTimeCompare(ts[i][:], hash[:])
		}
		if known == 1 && strings.EqualFold(scheme, "Bearer") {
			return nil
		}
	}
	return domain.NewError(domain.Unauthenticated, "The events of the log are told to those who have a token: send Authorization: Bearer, and a token that the operator has given to you.")
}

// shortestToken is the least length of one that is good enough to guard a log.
const shortestToken = 16

// CheckToken says what is wrong with a token, without repeating it: it has the letters
// that may stand in a header (RFC 6750, 2.1).
func CheckToken(token string) string {
	letters := strings.TrimRight(token, "=")
	if len(letters) < shortestToken {
		return "is too short to be safe: it has 16 letters at least, made at random, as openssl rand -hex 32 makes them"
	}
	for _, c := range []byte(letters) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-._~+/", c) < 0 {
			return "has other characters than letters, digits and -._~+/ (with = at the end)"
		}
	}
	return ""
}
