package keyring

import "errors"

// The errors that callers tell apart with errors.Is.
var (
	// ErrWrongKey: the operator's key that was given is not the one that the folder is
	// encrypted under.
	ErrWrongKey = errors.New("wrong key")
	// ErrDenied: a key service refuses the use of the operator's key, or has it no more.
	ErrDenied = errors.New("the use of the key is denied")
	// ErrUnreachable: a key service gives no answer.
	ErrUnreachable = errors.New("the key service cannot be reached")
	// ErrDamaged: the file of the keyring is not what was written.
	ErrDamaged = errors.New("the keyring is damaged")
	// ErrNoKey: the keyring has no key of that name. It was dropped, or the file is an
	// earlier copy, or that of another folder.
	ErrNoKey = errors.New("no such key in the keyring")
	// ErrChanged: another process has put the keyring under another key. Nothing was
	// written.
	ErrChanged = errors.New("another process has put the keyring under another key")
)
