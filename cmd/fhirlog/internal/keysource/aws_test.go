package keysource

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"fhirlog/eventlog/keyring"
)

const testARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// fakeKMS answers as AWS KMS does
// (https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html): what it
// encrypts is the text under a cover that names the key.
type fakeKMS struct {
	fault  atomic.Pointer[string] // the type of what it answers instead
	status atomic.Int64
}

func (f *fakeKMS) answer(status int64, fault string) {
	f.status.Store(status)
	f.fault.Store(&fault)
}

func (f *fakeKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fail := func(status int64, fault string) {
		w.WriteHeader(int(status))
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": fault, "message": "told by the service"})
	}
	if fault := f.fault.Load(); fault != nil && *fault != "" {
		fail(f.status.Load(), *fault)
		return
	}
	if !strings.Contains(r.Header.Get("Authorization"), "AKIDEXAMPLE") {
		fail(400, "UnrecognizedClientException")
		return
	}
	var asked struct {
		KeyId                     string
		Plaintext, CiphertextBlob []byte
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		fail(400, "ValidationException")
		return
	}
	answer := map[string]string{"KeyId": asked.KeyId}
	cover := "under " + asked.KeyId + ": "
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		answer["CiphertextBlob"] = base64.StdEncoding.EncodeToString(append([]byte(cover), asked.Plaintext...))
	case "TrentService.Decrypt":
		plain, ok := strings.CutPrefix(string(asked.CiphertextBlob), cover)
		if !ok {
			fail(400, "InvalidCiphertextException")
			return
		}
		answer["Plaintext"] = base64.StdEncoding.EncodeToString([]byte(plain))
	default:
		fail(400, "UnknownOperationException")
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func TestAWS(t *testing.T) {
	ctx := context.Background()
	fake := &fakeKMS{}
	served := httptest.NewServer(fake)
	defer served.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": served.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none", "HTTP_PROXY": "", "http_proxy": "",
	} {
		t.Setenv(name, value)
	}
	o := load(t, "aws-kms://"+testARN)
	if o.Name() != "aws-kms:"+testARN {
		t.Errorf("the key is called %s", o.Name())
	}
	wrapped, err := o.Wrap(ctx, []byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, wrapped []byte, want error) {
		t.Helper()
		got, err := o.Unwrap(ctx, wrapped)
		if !errors.Is(err, want) || want == nil && string(got) != "k" {
			t.Errorf("%s: Unwrap gives %q, %v, want %v", when, got, err, want)
		}
	}
	check("as it was", wrapped, nil)
	check("what another key has wrapped", []byte("something else"), keyring.ErrWrongKey)
	for fault, want := range map[string]error{
		"AccessDeniedException": keyring.ErrDenied, "DisabledException": keyring.ErrDenied, "NotFoundException": keyring.ErrDenied,
		"KMSInvalidStateException": keyring.ErrDenied, "IncorrectKeyException": keyring.ErrWrongKey,
		"ThrottlingException": keyring.ErrUnreachable, "ExpiredTokenException": keyring.ErrUnreachable,
	} {
		fake.answer(400, fault)
		check(fault, wrapped, want)
	}
	fake.answer(500, "KMSInternalException")
	check("it fails", wrapped, keyring.ErrUnreachable)
	fake.answer(0, "")
	check("it answers again", wrapped, nil)
	served.Close()
	check("it is gone", wrapped, keyring.ErrUnreachable)
}
