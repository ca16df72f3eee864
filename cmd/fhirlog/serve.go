package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"fhirlog/domain"
	"fhirlog/domain/commit"
	"fhirlog/domain/definitions"
	"fhirlog/domain/validate"
	"fhirlog/httpapi"
)

// serveCommand is `fhirlog serve`.
type serveCommand struct {
	Data        string `default:"./data" env:"FHIRLOG_DATA" help:"Folder of the log and its projections; made at the first start."`
	FHIRVersion string `name:"fhir-version" enum:"R4,STU3,R4B,R5," default:"" env:"FHIRLOG_FHIR_VERSION" help:"FHIR version: R4, STU3, R4B or R5. Kept with the data; a new folder gets R4 unless told otherwise."`

	Listen         string `default:"127.0.0.1:8080" env:"FHIRLOG_LISTEN" help:"Address to listen on."`
	Insecure       bool   `env:"FHIRLOG_INSECURE" help:"Listen beyond this machine although fhirlog does not authenticate: everybody who can connect can read and change everything, and with --author-header in anybody's name."`
	BasePath       string `default:"/fhir" env:"FHIRLOG_BASE_PATH" help:"Path of the FHIR service."`
	BaseURL        string `name:"base-url" env:"FHIRLOG_BASE_URL" help:"Public URL of the FHIR service, as it stands in Location and fullUrl; default from each request's Host."`
	TrustForwarded bool   `env:"FHIRLOG_TRUST_FORWARDED" help:"Believe X-Forwarded-Proto and X-Forwarded-Host, and the last address in X-Forwarded-For; only behind a proxy that sets them."`
	callerFlags
	MetricsListen string `env:"FHIRLOG_METRICS_LISTEN" help:"Serve /metrics and /log/events at this address instead of the main one."`
	NoLogEvents   bool   `env:"FHIRLOG_NO_LOG_EVENTS" help:"Do not serve /log/events: whoever can read it can read everything that was ever written and not erased. See --log-events-token."`

	MaxBodyMB         int64         `name:"max-body-mb" default:"128" env:"FHIRLOG_MAX_BODY_MB" help:"Largest request body after decompression, in MiB."`
	MaxBodiesMB       int64         `name:"max-bodies-mb" default:"512" env:"FHIRLOG_MAX_BODIES_MB" help:"Request bodies in memory at once, in MiB; more wait."`
	MaxDepth          int           `default:"100" env:"FHIRLOG_MAX_DEPTH" help:"Deepest nesting of JSON."`
	MaxConcurrent     int           `default:"1024" env:"FHIRLOG_MAX_CONCURRENT" help:"Requests worked on at once; more wait, then get 429."`
	MaxConnections    int           `default:"4096" env:"FHIRLOG_MAX_CONNECTIONS" help:"Clients connected at once; more wait."`
	RequestTimeout    time.Duration `default:"60s" env:"FHIRLOG_REQUEST_TIMEOUT" help:"Longest time for a request."`
	BundleTimeout     time.Duration `default:"10m" env:"FHIRLOG_BUNDLE_TIMEOUT" help:"Longest time for a batch or transaction."`
	MinBytesPerSecond int           `default:"4096" env:"FHIRLOG_MIN_BYTES_PER_SECOND" help:"Slower clients are cut off."`
	StopTimeout       time.Duration `default:"30s" env:"FHIRLOG_STOP_TIMEOUT" help:"How long a stop waits for running requests."`

	CORSOrigins     []string      `name:"cors-origins" env:"FHIRLOG_CORS_ORIGINS" help:"Origins whose browsers may call, such as https://app.example, or *."`
	CORSHeaders     []string      `name:"cors-headers" env:"FHIRLOG_CORS_HEADERS" help:"Request headers allowed to them; default all that are understood."`
	CORSMethods     []string      `name:"cors-methods" env:"FHIRLOG_CORS_METHODS" help:"Methods allowed to them; default all that are served."`
	CORSMaxAge      time.Duration `name:"cors-max-age" env:"FHIRLOG_CORS_MAX_AGE" help:"How long a browser may keep the answer to its preflight."`
	CORSCredentials bool          `name:"cors-credentials" env:"FHIRLOG_CORS_CREDENTIALS" help:"Allow credentials."`

	Versioning        string            `enum:"versioned,versioned-update,no-version" default:"versioned" env:"FHIRLOG_VERSIONING" help:"Versioning policy: versioned, versioned-update (updates need If-Match) or no-version (no history)."`
	VersioningOf      map[string]string `env:"FHIRLOG_VERSIONING_OF" help:"Exceptions by type: Observation=no-version;Patient=versioned-update."`
	Validation        string            `enum:"off,warn,error" default:"warn" env:"FHIRLOG_VALIDATION" help:"What becomes of findings in what is written, beyond structure and the codes of required bindings, which are always errors: broken invariants, references to wrong types. off: they are not looked for; warn: a client that asks with Prefer: return=OperationOutcome is told of them; error: what breaks a rule of the specification is refused. $$validate tells all in any case."`
	Packages          []string          `name:"package" placeholder:"FILE" env:"FHIRLOG_PACKAGES" help:"FHIR package (.tgz) with profiles, value sets and code systems for $$validate and profile validation; may be repeated, the last one wins. Definitions stored on the server come before those of packages."`
	ProfileValidation string            `enum:"off,create,update,all" default:"off" env:"FHIRLOG_PROFILE_VALIDATION" help:"Check what is written against the profiles in its meta.profile, and refuse it on errors: off, create, update (patches as well) or all. The header x-ms-profile-validation says so for one request."`
	NoUpdateCreate    bool              `env:"FHIRLOG_NO_UPDATE_CREATE" help:"Refuse an update of a resource that does not exist."`
	NoHistory         []string          `env:"FHIRLOG_NO_HISTORY" help:"Types whose history cannot be read."`

	checkpointFlags
	encryptionFlags
	KeyCheckEvery time.Duration `hidden:"" default:"1m" help:"How often it is looked whether the operator's key is still there."`

	CompactEvery time.Duration `default:"24h" env:"FHIRLOG_COMPACT_EVERY" help:"How often the content of what was erased is removed from all files, if there is any; 0: only when POST $$compact asks for it, or fhirlog compact."`
	erasingFlags

	LogLevel   string `enum:"debug,info,warn,error" default:"info" env:"FHIRLOG_LOG_LEVEL" help:"debug, info, warn or error. debug has a line for each request; no level has content of resources."`
	CPUProfile string `name:"cpu-profile" hidden:"" placeholder:"FILE" help:"Write a CPU profile of the whole run, for go tool pprof."`

	HeapProfile string `name:"heap-profile" hidden:"" placeholder:"FILE" help:"Write what is in memory at the stop, for go tool pprof."`

	LogFormat string `enum:"auto,json,console" default:"auto" env:"FHIRLOG_LOG_FORMAT" help:"json, console, or auto: console on a terminal."`
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context) error {
	log := newLogger(os.Stderr, c.LogLevel, c.LogFormat)
	commitOptions, httpOptions, err := c.options()
	if err != nil {
		return err
	}
	if !c.Insecure {
		if err := requireLoopback(c.Listen, c.MetricsListen); err != nil {
			return err
		}
	}
	packages, err := readPackages(c.Packages)
	if err == nil {
		err = checkPackages(packages, c.folderVersion())
	}
	if err != nil {
		return err
	}
	f, err := openFolder(c.Data, c.folderVersion())
	if err == nil {
		err = checkPackages(packages, f.FHIRVersion)
	}
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, toBegin)
	}
	if err != nil {
		return err
	}
	metrics := newMetrics()
	n, err := openNode(f, metrics.observeGroup)
	if err != nil {
		return err
	}
	n.report(log)
	n.reportEncryption(log)
	n.keyCheck = newKeyCheck(ctx, f, c.KeyCheckEvery, log)
	if err := n.openProofs(ctx, c.checkpointFlags, log); err != nil {
		return errors.Join(err, n.close())
	}
	if err := n.start(commitOptions, packages); err != nil {
		return errors.Join(err, n.close())
	}
	if n.rebuilt != nil {
		log.Warn().AnErr("reason", n.rebuilt).Msg("projections are computed anew from the log")
	}
	reportPackages(log, packages)
	stopProfile, err := startProfile(c.CPUProfile)
	if err != nil {
		return errors.Join(err, n.close())
	}
	defer stopProfile()
	metrics.follow(n)
	httpOptions.Logger, httpOptions.Metrics = log, metrics.registry
	httpOptions.TokenKey = []byte(f.Identity)
	besides, stopBesides := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { n.scrub(besides, log) })
	running.Go(func() { watchRoom(besides, n.log.Room, log) })
	running.Go(func() { n.work(besides, log) })
	running.Go(func() { n.keyCheck.run(besides, log) })
	n.compactions.eraseIDs = c.EraseIDs
	running.Go(func() { n.compactions.run(besides, log, c.CompactEvery) })
	err = c.serve(ctx, n, metrics, httpOptions, log)
	stopBesides()
	running.Wait()
	err = errors.Join(err, writeHeapProfile(c.HeapProfile))
	if closed := n.close(); closed != nil {
		return errors.Join(err, fmt.Errorf("stop: %w", closed))
	}
	log.Info().Msg("stopped; everything acknowledged is on disk")
	return err
}

// folderVersion is the FHIR version asked for; R4 for a new folder.
func (c *serveCommand) folderVersion() definitions.Version {
	if c.FHIRVersion == "" {
		if _, err := os.Stat(c.Data + "/" + descriptionFile); err == nil {
			return ""
		}
		return definitions.R4
	}
	return definitions.Version(c.FHIRVersion)
}

// options turns flags into the options of the rooms and names all faults.
func (c *serveCommand) options() (commit.Options, httpapi.Options, error) {
	var faults []error
	policy := policies[c.Versioning]
	byType := map[domain.ResourceType]commit.VersioningPolicy{}
	for t, name := range c.VersioningOf {
		p, known := policies[name]
		if !known {
			faults = append(faults, fmt.Errorf("--versioning-of %s=%s: the policies are versioned, versioned-update and no-version", t, name))
		}
		byType[domain.ResourceType(t)] = p
	}
	var noHistory []domain.ResourceType
	for _, t := range c.NoHistory {
		noHistory = append(noHistory, domain.ResourceType(t))
	}
	tokens, err := c.eventTokens(c.NoLogEvents)
	if err != nil {
		faults = append(faults, err)
	}
	return commit.Options{Versioning: policy, VersioningOf: byType, NoUpdateCreate: c.NoUpdateCreate, Validation: validations[c.Validation]}, httpapi.Options{
		BasePath: c.BasePath, BaseURL: c.BaseURL, TrustForwarded: c.TrustForwarded,
		AuthorHeader: c.AuthorHeader, EventTokens: tokens,
		MaxBodyBytes: c.MaxBodyMB << 20, MaxBodyBytesInFlight: c.MaxBodiesMB << 20,
		MaxDepth: c.MaxDepth, MaxConcurrent: c.MaxConcurrent, MaxConnections: c.MaxConnections,
		RequestTimeout: c.RequestTimeout, BundleTimeout: c.BundleTimeout, MinBytesPerSecond: c.MinBytesPerSecond,
		CORS: httpapi.CORS{
			Origins: c.CORSOrigins, Headers: c.CORSHeaders, Methods: c.CORSMethods,
			MaxAge: c.CORSMaxAge, Credentials: c.CORSCredentials,
		},
		Versioning: policy, VersioningOf: byType, NoUpdateCreate: c.NoUpdateCreate, NoHistory: noHistory,
		ProfileValidation: httpapi.ProfileValidation{
			Create: c.ProfileValidation == "create" || c.ProfileValidation == "all",
			Update: c.ProfileValidation == "update" || c.ProfileValidation == "all",
		},
		SoftwareVersion: version, SeparateMetrics: c.MetricsListen != "",
	}, errors.Join(faults...)
}

var validations = map[string]validate.Policy{"off": validate.Off, "warn": validate.Warn, "error": validate.Fail}

var policies = map[string]commit.VersioningPolicy{
	"versioned": commit.Versioned, "versioned-update": commit.VersionedUpdate, "no-version": commit.NoVersion,
}
