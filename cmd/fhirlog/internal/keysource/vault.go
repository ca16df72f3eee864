package keysource

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"

	"fhirlog/eventlog/keyring"
)

// vault is a key of a transit engine
// (https://developer.hashicorp.com/vault/api-docs/secret/transit). The versions of the
// key are the service's affair: what it gives says which version it is by, so rotating
// the key there needs nothing here.
//
// The token, certificates, namespace and number of retries come from the environment, as for Vault's own
// programs (VAULT_TOKEN, VAULT_CACERT, VAULT_NAMESPACE, …), the token rather from a file
// that somebody renews, with ?token-file=PATH.
type vault struct {
	given     string // without parameters
	address   string
	keyPath   string // "/transit/keys/name"
	tokenFile string
}

func parseVault(rest string) (place, error) { return newVault("hcvault:"+rest, "https") }

// parseVaultPlain is for an agent on this machine.
func parseVaultPlain(rest string) (place, error) { return newVault("hcvault+http:"+rest, "http") }

func newVault(given, scheme string) (place, error) {
	u, err := url.Parse(given)
	if err != nil {
		return nil, errors.New("it is no URL: hcvault://HOST[:PORT]/transit/keys/NAME")
	}
	if ip := net.ParseIP(u.Hostname()); scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not this machine: keys go over the network by hcvault:// only", u.Host)
	}
	parts := strings.Split(u.Path, "/")
	if u.Host == "" || u.User != nil || len(parts) < 4 || parts[len(parts)-2] != "keys" || path.Clean(u.Path) != u.Path {
		return nil, errors.New("it is hcvault://HOST[:PORT]/MOUNT/keys/NAME, such as hcvault://vault.example.org:8200/transit/keys/fhirlog")
	}
	v := vault{given: u.Scheme + "://" + u.Host + u.Path, address: scheme + "://" + u.Host, keyPath: u.Path}
	for name, values := range u.Query() {
		if name != "token-file" || len(values) != 1 || values[0] == "" {
			return nil, fmt.Errorf("the only parameter is token-file=PATH, and not %q", name)
		}
		v.tokenFile = values[0]
	}
	return v, nil
}

func (v vault) String() string { return v.given }

// keys is the key itself: whether it is there, its use tells.
func (v vault) keys() ([]keyring.Wrapper, error) { return []keyring.Wrapper{v}, nil }

// Name leaves the host out: a service may move, with its keys.
func (v vault) Name() string { return "hcvault:" + v.keyPath[1:] }

// Wrap has the service encrypt.
func (v vault) Wrap(ctx context.Context, plain []byte) ([]byte, error) {
	return v.call(ctx, func(l *api.Logical) ([]byte, error) {
		key, err := hcvault.NewAEAD(v.keyPath, l)
		if err != nil {
			return nil, err
		}
		return key.Encrypt(plain, nil)
	})
}

// Unwrap has the service decrypt.
func (v vault) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	if !strings.HasPrefix(string(wrapped), "vault:v") {
		return nil, keyring.ErrWrongKey // it is by a key of another kind
	}
	return v.call(ctx, func(l *api.Logical) ([]byte, error) {
		key, err := hcvault.NewAEAD(v.keyPath, l)
		if err != nil {
			return nil, err
		}
		return key.Decrypt(wrapped, nil)
	})
}

// patience is how long an answer is waited for.
const patience = 10 * time.Second

// call asks the service. The library does not know contexts, so the end of one ends the
// wait, and the call ends by itself.
func (v vault) call(ctx context.Context, ask func(*api.Logical) ([]byte, error)) ([]byte, error) {
	client, err := v.client(ctx)
	if err != nil {
		return nil, err
	}
	type answer struct {
		content []byte
		err     error
	}
	answered := make(chan answer, 1)
	go func() {
		content, err := ask(client.Logical())
		answered <- answer{content, err}
	}()
	select {
	case a := <-answered:
		return a.content, classify(a.err)
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", keyring.ErrUnreachable, ctx.Err())
	}
}

func (v vault) client(ctx context.Context) (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, fmt.Errorf("%w: the environment of %s: %w", keyring.ErrUnreachable, v, config.Error)
	}
	config.Address, config.AgentAddress = v.address, ""
	config.Timeout = patience
	if end, ok := ctx.Deadline(); ok {
		config.Timeout = max(time.Millisecond, min(patience, time.Until(end))) // 0 were no bound
	}
	config.MinRetryWait, config.MaxRetryWait = 50*time.Millisecond, time.Second
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
	}
	if v.tokenFile != "" {
		token, err := os.ReadFile(v.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("%w: its token: %w", keyring.ErrUnreachable, err)
		}
		client.SetToken(strings.TrimSpace(string(token)))
	}
	return client, nil
}

// classify tells a refusal from a service that gives no answer.
func classify(err error) error {
	if err == nil {
		return nil
	}
	refused, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
	}
	status := refused.StatusCode
	said := fmt.Errorf("the service answers %d: %s", status, strings.Join(refused.Errors, "; "))
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusPreconditionFailed || status == 472 || status == 473 {
		return fmt.Errorf("%w: %w", keyring.ErrUnreachable, said) // sealed, a standby, overloaded
	}
	return fmt.Errorf("%w: %w", keyring.ErrDenied, said)
}
