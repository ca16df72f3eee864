package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fhirlog/eventlog"
)

func disk() eventlog.FileSystem { return eventlog.Disk() }

// bucketServer is a bucket in memory that speaks as much of the API of S3 as a backup
// needs (https://docs.aws.amazon.com/AmazonS3/latest/API/). It looks for the name of
// the user in the signature, and not at the signature.
type bucketServer struct {
	t       testing.TB
	bucket  string
	mu      sync.Mutex // guards the fields below
	objects map[string][]byte
	deleted int
}

const bucketUser = "a-user"

func newBucketServer(t testing.TB, bucket string) *bucketServer {
	return &bucketServer{t: t, bucket: bucket, objects: map[string][]byte{}}
}

func (b *bucketServer) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name := range b.objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (b *bucketServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/"+b.bucket+"/")
	if !ok || !strings.Contains(r.Header.Get("Authorization"), "Credential="+bucketUser+"/") {
		refuse(w, http.StatusForbidden, "AccessDenied")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Method == "GET" && name == "" && r.URL.Query().Has("location"):
		fmt.Fprint(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`)
	case r.Method == "GET" && name == "":
		b.list(w, r)
	case r.Method == "GET":
		b.get(w, name)
	case r.Method == "PUT":
		b.put(w, r, name)
	case r.Method == "DELETE":
		delete(b.objects, name)
		b.deleted++
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

func (b *bucketServer) get(w http.ResponseWriter, name string) {
	content, ok := b.objects[name]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", etag(content))
	w.Header().Set("Last-Modified", "Wed, 01 Jul 2026 10:00:00 GMT")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // who does not read is gone
}

func etag(content []byte) string {
	hash := md5.Sum(content)
	return `"` + hex.EncodeToString(hash[:]) + `"`
}

// put reads a body in one piece, or in signed chunks
// (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
func (b *bucketServer) put(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		if body, err = unchunk(string(body)); err != nil {
			b.t.Errorf("PUT %s: %v", name, err)
		}
	}
	if want := r.Header.Get("X-Amz-Decoded-Content-Length"); want != "" && want != strconv.Itoa(len(body)) {
		b.t.Errorf("PUT %s: %d bytes, want %s", name, len(body), want)
	}
	b.objects[name] = body
	w.Header().Set("ETag", etag(body))
}

func unchunk(text string) (body []byte, err error) {
	for {
		head, rest, ok := strings.Cut(text, "\r\n")
		size, _, _ := strings.Cut(head, ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if !ok || err != nil || int64(len(rest)) < n {
			return nil, fmt.Errorf("chunk %q: %v", head, err)
		}
		if n == 0 {
			return body, nil
		}
		body = append(body, rest[:n]...)
		text = strings.TrimPrefix(rest[n:], "\r\n")
	}
}

// list lists two objects at a time, so that there are pages.
func (b *bucketServer) list(w http.ResponseWriter, r *http.Request) {
	type object struct {
		Key          string
		Size         int
		ETag         string
		LastModified string
	}
	var result struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []object
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
	}
	var names []string
	for name := range b.objects {
		if strings.HasPrefix(name, r.URL.Query().Get("prefix")) && name > r.URL.Query().Get("continuation-token") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	const page = 2
	if len(names) > page {
		names = names[:page]
		result.IsTruncated, result.NextContinuationToken = true, names[page-1]
	}
	for _, name := range names {
		result.Contents = append(result.Contents, object{name, len(b.objects[name]), etag(b.objects[name]), "2026-07-01T10:00:00.000Z"})
	}
	w.Header().Set("Content-Type", "application/xml")
	if err := xml.NewEncoder(w).Encode(result); err != nil {
		b.t.Error(err)
	}
}
