// Package keysource finds the operator's key where the operator keeps it: in a file, in
// the environment or in a key service. What is done with the key is keyring's.
//
// # Sources
//
//	file:PATH                   keys of 32 bytes, as text: hexadecimal or base64, one
//	                            a line; or one key as the 32 bytes that it is
//	env:NAME                    the same text, in a variable of the environment
//	hcvault://HOST/MOUNT/keys/NAME
//	                            a key of Vault's (or OpenBao's) transit engine, which
//	                            wraps and unwraps, and never gives the key away
//	aws-kms://ARN               the same, of AWS KMS
//
// # Which of several keys
//
// The first key wraps; the others are former ones, which can still open what they have
// wrapped. So a key is rotated by putting another one in front of it, and taking it away
// when nothing is wrapped by it any more. There is no moment at which the source and what
// is wrapped do not fit.
//
// # Whether the key is still there
//
// An Operator keeps no key. Each Unwrap looks into the source again, so keyring's Check
// tells whether the key is still there and may be used:
//
//   - keyring.ErrDenied: the operator has taken it away. The file is gone or holds no
//     key; the service refuses, or has the key no more.
//   - keyring.ErrWrongKey: there are other keys in its place.
//   - keyring.ErrUnreachable: nobody knows. The service gives no answer, is sealed or
//     overloaded; the disk of the file fails.
package keysource
