package keysource

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go/v2/tink"

	"fhirlog/eventlog/keyring"
)

// awsKMS is a symmetric key of AWS KMS (https://docs.aws.amazon.com/kms/latest/APIReference/),
// named by its ARN. Credentials come from where AWS's own programs look for them: the
// environment, ~/.aws, or the machine's role. Rotation there needs nothing here.
type awsKMS struct{ key arn.ARN }

func parseAWS(rest string) (place, error) {
	key, err := arn.Parse(strings.TrimPrefix(rest, "//"))
	if err != nil || key.Service != "kms" || key.Region == "" || !strings.HasPrefix(key.Resource, "key/") {
		return nil, errors.New("it is aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID; an alias may come to mean another key")
	}
	return awsKMS{key}, nil
}

func (a awsKMS) String() string { return "aws-kms://" + a.key.String() }

// keys is the key itself: whether it is there, its use tells.
func (a awsKMS) keys() ([]keyring.Wrapper, error) { return []keyring.Wrapper{a}, nil }

// Name is the ARN.
func (a awsKMS) Name() string { return "aws-kms:" + a.key.String() }

// Wrap has the service encrypt.
func (a awsKMS) Wrap(ctx context.Context, plain []byte) ([]byte, error) {
	return a.call(ctx, func(ctx context.Context, key tink.AEADWithContext) ([]byte, error) {
		return key.EncryptWithContext(ctx, plain, nil)
	})
}

// Unwrap has the service decrypt.
func (a awsKMS) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	return a.call(ctx, func(ctx context.Context, key tink.AEADWithContext) ([]byte, error) {
		return key.DecryptWithContext(ctx, wrapped, nil)
	})
}

func (a awsKMS) call(ctx context.Context, ask func(context.Context, tink.AEADWithContext) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(a.key.Region))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
	}
	key, err := awskms.NewAEADWithContext(ctx, a.key.String(), awskms.WithKMS(kms.NewFromConfig(settings)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
	}
	content, err := ask(ctx, key)
	return content, classifyAWS(err)
}

// classifyAWS tells a refusal from a service that gives no answer.
func classifyAWS(err error) error {
	if err == nil {
		return nil
	}
	_, incorrect := errors.AsType[*types.IncorrectKeyException](err)
	_, invalid := errors.AsType[*types.InvalidCiphertextException](err)
	if incorrect || invalid {
		return keyring.ErrWrongKey
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok || refused.ErrorFault() == smithy.FaultServer {
		return fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
	}
	switch refused.ErrorCode() {
	case "AccessDeniedException", "DisabledException", "NotFoundException", "KMSInvalidStateException", "InvalidKeyUsageException",
		"UnrecognizedClientException", "InvalidSignatureException", "MissingAuthenticationTokenException":
		return fmt.Errorf("%w: the service answers %s: %s", keyring.ErrDenied, refused.ErrorCode(), refused.ErrorMessage())
	}
	// Throttling, expired credentials, and whatever else says nothing of the key.
	return fmt.Errorf("%w: %w", keyring.ErrUnreachable, err)
}
