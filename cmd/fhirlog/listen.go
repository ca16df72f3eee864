package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/httpapi"
)

// serve listens, applies what is not applied yet, and answers until ctx ends or
// the log fails.
func (c *serveCommand) serve(ctx context.Context, n *node, m *metrics, o httpapi.Options, log zerolog.Logger) error {
	api, err := httpapi.New(httpapi.Dependencies{
		Writer: timedWriter{n.commits, m.commitTime}, Reader: n.projections, Searcher: n.projections, Definitions: n.definitions, Validator: n.validator, Profiles: n.profiles, Checks: n.healthChecks(),
		Administrator: administrator{n.commits, n.rebuilds}, Jobs: n.projections, Rebuilds: n.rebuilds, Compactions: n.compactions, Locked: n.keyCheck.locked, Proofs: proofs{n.notary}, Events: n.events(c.NoLogEvents),
	}, o)
	if err != nil {
		return err
	}
	tuning, stopTuning := context.WithCancel(ctx)
	var tuned sync.WaitGroup
	tuned.Go(func() { tuneMemory(tuning, api.BodyBytes) })
	defer func() { stopTuning(); tuned.Wait() }()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w (is another server running? choose another --listen)", err)
	}
	servers := []*http.Server{api.HTTPServer()}
	listeners := []net.Listener{listener}
	if c.MetricsListen != "" {
		extra, err := net.Listen("tcp", c.MetricsListen)
		if err != nil {
			return errors.Join(fmt.Errorf("listen for metrics: %w", err), listener.Close())
		}
		servers = append(servers, metricsServer(api.MetricsHandler(), api.EventsHandler()))
		listeners = append(listeners, extra)
	}
	if err := n.catchUp(ctx, catchUpProgress(log)); err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	ended := make(chan error, len(servers))
	for i := range servers {
		go func() { ended <- servers[i].Serve(listeners[i]) }()
	}
	fmt.Printf("fhirlog %s serves FHIR %s at http://%s%s\n", version, n.folder.FHIRVersion, listener.Addr(), strings.TrimRight(c.BasePath, "/"))
	var failure error
	select {
	case <-ctx.Done():
		log.Info().Msg("stopping: finishing what runs")
	case failure = <-n.ended:
		n.ended <- failure
		failure = fmt.Errorf("the log cannot be written any more; what was acknowledged is safe, restart to go on: %w", failure)
	case failure = <-ended:
		ended <- failure
	}
	return errors.Join(failure, c.shutDown(servers, ended))
}

// shutDown takes no more requests and waits for those that run.
func (c *serveCommand) shutDown(servers []*http.Server, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.StopTimeout)
	defer cancel()
	// A second signal stops without waiting.
	ctx, again := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer again()
	var failures []error
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			failures = append(failures, fmt.Errorf("requests were cut off: %w", err), server.Close())
		}
	}
	for range servers {
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func metricsServer(metrics, events http.Handler) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics)
	mux.Handle("/log/events", events)
	return &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// requireLoopback refuses addresses that other machines can reach.
func requireLoopback(addresses ...string) error {
	for _, address := range addresses {
		if address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("--listen %s: %w", address, err)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("fhirlog does not authenticate, so it listens only on this machine, for a proxy there that does (--author-header); to open %s to everybody who can reach it all the same, add --insecure", address)
		}
	}
	return nil
}
