package httpapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// pageToken continues a history or a search: what stands in the parameters ct
// and includesCt. It pins the snapshot, so that pages never repeat or lose a
// version, whatever is written meanwhile.
type pageToken struct {
	snapshot uint64
	start    uint64 // where the page begins; meaningful if hasStart
	hasStart bool
	backward bool  // of a history: the page before start
	instant  int64 // of a search: when its first page was asked for
	skip     int   // of $includes: the included resources of earlier answers
}

// The bits of a token's first byte. The bytes of a token are
//
//	flags     1 byte
//	snapshot  uvarint
//	start     uvarint, if there is one
//	instant   uvarint, if it is not zero
//	skip      uvarint, if it is not zero
//	seal      16 bytes: HMAC-SHA256 over what is continued and all before, cut
const (
	tokenFormat     = 2 << 6
	tokenHasStart   = 1
	tokenBackward   = 2
	tokenHasInstant = 4
	tokenHasSkip    = 8

	sealBytes    = 16
	longestToken = 1 + 4*binary.MaxVarintLen64 + sealBytes
)

// tokenKey derives the key of the seals, so that what it is made of serves for
// nothing else. Without a secret the tokens are good until a restart.
func tokenKey(secret []byte) []byte {
	if len(secret) == 0 {
		secret = make([]byte, sha256.Size)
		_, _ = rand.Read(secret) // it never fails
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("fhirlog page token"))
	return h.Sum(nil)
}

// appendSeal appends the seal of a token's bytes. scope says what the token
// continues; each part is hashed with its length, so that none can be read as
// two.
func (s *Server) appendSeal(dst, raw []byte, scope []string) []byte {
	h := hmac.New(sha256.New, s.tokenKey)
	var length [binary.MaxVarintLen64]byte
	for _, part := range scope {
		h.Write(binary.AppendUvarint(length[:0], uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(binary.AppendUvarint(length[:0], uint64(len(raw))))
	h.Write(raw)
	var sum [sha256.Size]byte
	return append(dst, h.Sum(sum[:0])[:sealBytes]...)
}

// sealToken writes a token.
func (s *Server) sealToken(t *pageToken, scope []string) string {
	raw := append(make([]byte, 0, longestToken), tokenFormat)
	raw = binary.AppendUvarint(raw, t.snapshot)
	if t.hasStart {
		raw[0] |= tokenHasStart
		raw = binary.AppendUvarint(raw, t.start)
	}
	if t.backward {
		raw[0] |= tokenBackward
	}
	if t.instant != 0 {
		raw[0] |= tokenHasInstant
		raw = binary.AppendUvarint(raw, uint64(t.instant))
	}
	if t.skip != 0 {
		raw[0] |= tokenHasSkip
		raw = binary.AppendUvarint(raw, uint64(t.skip))
	}
	return base64.RawURLEncoding.EncodeToString(s.appendSeal(raw, raw, scope))
}

// openToken reads a token that this server, or an earlier run of it on the same
// data, made for the scope; false if it did not.
func (s *Server) openToken(text string, scope []string) (pageToken, bool) {
	var t pageToken
	if len(text) > base64.RawURLEncoding.EncodedLen(longestToken) {
		return t, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) <= sealBytes || base64.RawURLEncoding.EncodeToString(raw) != text {
		return t, false
	}
	raw, seal := raw[:len(raw)-sealBytes], raw[len(raw)-sealBytes:]
	if !hmac.Equal(seal, s.appendSeal(nil, raw, scope)) {
		return t, false
	}
	flags, ok := raw[0], true
	raw = raw[1:]
	next := func(has bool) uint64 {
		if !has || !ok {
			return 0
		}
		n, size := binary.Uvarint(raw)
		if ok = size > 0; ok {
			raw = raw[size:]
		}
		return n
	}
	t.snapshot = next(true)
	t.hasStart, t.backward = flags&tokenHasStart != 0, flags&tokenBackward != 0
	t.start = next(t.hasStart)
	t.instant = int64(next(flags&tokenHasInstant != 0))
	t.skip = int(next(flags&tokenHasSkip != 0))
	return t, ok && len(raw) == 0 && flags&^(tokenHasStart|tokenBackward|tokenHasInstant|tokenHasSkip) == tokenFormat
}

// resumeToken opens a token of a paging parameter, or says what is wrong.
func (s *Server) resumeToken(name, text string, scope []string) (pageToken, error) {
	t, ok := s.openToken(text, scope)
	if !ok || t.snapshot > s.reader.Applied() {
		return t, invalid("The paging token " + name + " is not one that this server made for this request. Follow the links of a page unchanged.")
	}
	return t, nil
}
