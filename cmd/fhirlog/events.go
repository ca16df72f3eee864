package main

import (
	"fhirlog/eventlog"
	"fhirlog/httpapi"
	"fhirlog/projections"
	"fhirlog/replay"
)

var (
	_ httpapi.Events = (*replay.Feed)(nil)
	_ replay.FeedLog = (*eventlog.Log)(nil)
	_ replay.View    = (*projections.Live)(nil)
)

// source names the log of a folder in what is told of its events.
func (f *folder) source() string { return "urn:fhirlog:" + f.Identity }

// events tells what is in the log, unless that is switched off.
func (n *node) events(off bool) httpapi.Events {
	if off {
		return nil
	}
	return &replay.Feed{Log: n.log, View: n.projections, Origin: n.folder.source()}
}
