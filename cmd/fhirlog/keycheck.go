package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/cmd/fhirlog/internal/keysource"
	"fhirlog/eventlog/keyring"
	"fhirlog/httpapi"
)

// keyCheck looks now and then whether the operator's key is still there, and puts the
// keyring under another one when the operator has put that in front.
//
// The keys of the data are in memory, so nothing fails by itself when the operator's key
// goes. That is told apart by what it means: a key that was taken away, or is denied, is
// the operator's will, and nothing is answered any more; a service that gives no answer
// is a fault like others, which must not stop a server that needs nothing of it at the
// moment.
type keyCheck struct {
	keys     *keyring.Ring
	operator *keysource.Operator
	every    time.Duration
	state    atomic.Pointer[keyState]
}

// keyState is what a look has found.
type keyState struct {
	gone  error     // why nothing is answered, or nil
	doubt error     // why that cannot be found out, or nil
	since time.Time // it is so
}

const (
	// keyPatience is how long a look may take.
	keyPatience = 15 * time.Second
	// keyConfirm is when a key that is gone is looked for once more before that is
	// believed: somebody may be writing the file.
	keyConfirm = time.Second
	// keyReturn is how often a key that is gone is looked for.
	keyReturn = 5 * time.Second
)

// newKeyCheck takes a first look, and so rotates a folder that was not served. It is nil
// for a folder that is not encrypted.
func newKeyCheck(ctx context.Context, f *folder, every time.Duration, log zerolog.Logger) *keyCheck {
	if f.keys == nil {
		return nil
	}
	k := &keyCheck{keys: f.keys, operator: f.operator, every: every}
	k.state.Store(&keyState{})
	k.note(k.look(ctx, log), log)
	return k
}

// run looks until ctx ends.
func (k *keyCheck) run(ctx context.Context, log zerolog.Logger) {
	if k == nil {
		return
	}
	for pause(ctx, k.wait()) {
		found := k.look(ctx, log)
		if found.gone != nil && k.state.Load().gone == nil && pause(ctx, min(keyConfirm, k.every)) {
			found = k.look(ctx, log)
		}
		if ctx.Err() != nil {
			return
		}
		k.note(found, log)
	}
}

// wait is how long it is until the next look.
func (k *keyCheck) wait() time.Duration {
	if k.state.Load().gone != nil {
		return min(k.every, keyReturn)
	}
	return k.every
}

// pause waits, and says whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// look opens the keyring's own key once more, and rotates if there is another key in
// front of the one that has opened it.
func (k *keyCheck) look(ctx context.Context, log zerolog.Logger) keyState {
	ctx, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	now, err := k.operator.Reload()
	if err == nil {
		err = k.keys.Check(ctx)
	}
	switch {
	case errors.Is(err, keyring.ErrUnreachable), ctx.Err() != nil && err != nil:
		return keyState{doubt: err, since: time.Now()}
	case err != nil:
		return keyState{gone: err, since: time.Now()}
	}
	if former := k.keys.Operator(); former != now.Name() {
		if err := k.keys.Rotate(ctx, now); err != nil {
			log.Error().Err(err).Str("key", now.Name()).Msg("the data folder could not be put under the new key; it stays under the former one, so keep both: it is tried again")
			return keyState{}
		}
		log.Info().Str("key", now.Name()).Str("former", former).Msg("the data folder is under the new key: the former one opens nothing of it any more. Make a backup before you destroy that: earlier ones are still under it")
	}
	return keyState{}
}

// note takes down what was found, and logs what has changed.
func (k *keyCheck) note(found keyState, log zerolog.Logger) {
	before := k.state.Load()
	if (found.gone == nil) == (before.gone == nil) && (found.doubt == nil) == (before.doubt == nil) {
		return
	}
	if found.doubt != nil && before.gone != nil {
		return // that it may be back is no reason to answer
	}
	k.state.Store(&found)
	switch {
	case found.gone != nil:
		log.Error().Err(found.gone).Msg("the operator's key is gone: requests are answered with 403 until it is back")
	case found.doubt != nil:
		log.Warn().Err(found.doubt).Msg("it cannot be found out whether the operator's key is still there; the server goes on answering, and could not start again")
	default:
		log.Info().Msg("the operator's key is there")
	}
}

// locked says why nothing may be answered; see httpapi.Locked. Paths and addresses are
// not for clients.
func (k *keyCheck) locked() error {
	if k == nil {
		return nil
	}
	switch gone := k.state.Load().gone; {
	case gone == nil:
		return nil
	case errors.Is(gone, keyring.ErrWrongKey):
		return errors.New("another key is in its place")
	default:
		return errors.New("it was removed, or its use is denied")
	}
}

// health is for /health/check.
func (k *keyCheck) health(context.Context) error {
	if err := k.locked(); err != nil {
		return errors.New("the operator's key is gone, and nothing is answered: " + err.Error() + "; the server's log says more")
	}
	if k != nil && k.state.Load().doubt != nil {
		return httpapi.Degraded("whether the operator's key is still there cannot be found out; the server's log says why. Without it the server cannot start again")
	}
	return nil
}

// unreachable is for how many seconds nobody knows whether the key is there.
func (k *keyCheck) unreachable() float64 {
	if k == nil {
		return 0
	}
	if s := k.state.Load(); s.doubt != nil {
		return time.Since(s.since).Seconds()
	}
	return 0
}
