package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"fhirlog/replay/backup"
)

// s3Scheme begins the targets that are buckets of an object storage with the API of S3.
const s3Scheme = "s3://"

// bucket is a backup's target in object storage.
type bucket struct {
	client *minio.Core
	name   string
	prefix string // of all objects: empty, or a folder and its slash
}

var _ backup.Target = (*bucket)(nil)

// openBucket reads a target such as s3://bucket/folder?endpoint=https://host:9000&region=x.
// Nothing is asked yet.
func openBucket(target string) (*bucket, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("a bucket is given as s3://bucket/folder?endpoint=https://host:9000&region=name; the two parameters may be left out, credentials do not belong there")
	}
	endpoint, region := &url.URL{Scheme: "https", Host: "s3.amazonaws.com"}, ""
	for name, values := range u.Query() {
		value := values[len(values)-1]
		switch name {
		case "endpoint":
			endpoint, err = url.Parse(value)
			if err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http" || strings.Trim(endpoint.Path, "/") != "" {
				return nil, fmt.Errorf("endpoint=%s: it is a URL such as https://minio.example.org:9000", value)
			}
		case "region":
			region = value
		default:
			return nil, fmt.Errorf("a bucket has the parameters endpoint and region, and not %s", name)
		}
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{
		Secure: endpoint.Scheme == "https", Region: region, MaxRetries: 5,
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{Client: &http.Client{}},
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	b := &bucket{client: client, name: u.Host, prefix: strings.Trim(u.Path, "/")}
	if b.prefix != "" {
		b.prefix += "/"
	}
	return b, nil
}

// Put stores an object in one request: an upload in parts that is stopped would leave
// parts that no listing shows.
func (b *bucket) Put(ctx context.Context, name string, content []byte) error {
	_, err := b.client.Client.PutObject(ctx, b.name, b.prefix+name, bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{DisableMultipart: true, ContentType: "application/octet-stream"})
	return err
}

// Get reads an object.
func (b *bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	body, _, _, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	return body, err
}

// List lists the objects of a folder.
func (b *bucket) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var names []string
	for object := range b.client.Client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, object.Err
		}
		names = append(names, strings.TrimPrefix(object.Key, b.prefix))
	}
	return names, ctx.Err()
}

// Delete removes an object.
func (b *bucket) Delete(ctx context.Context, name string) error {
	return b.client.Client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{})
}
