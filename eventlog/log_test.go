package eventlog_test

import (
	"testing"

	"fhirlog/eventlog"
	"fhirlog/eventlog/eventlogtest"
	"fhirlog/eventlog/faultfs"
)

var _ eventlogtest.Log = (*eventlog.Log)(nil)

func TestLog_conforms(t *testing.T) {
	for name, o := range map[string]eventlog.Options{
		"defaults":       {},
		"small segments": {SegmentBytes: 4 << 10},
		"small memory":   {SegmentBytes: 256 << 10, BlockBytes: 1, TailBytes: 1, QueueBytes: 1, CacheBytes: -1, OpenSegments: 1},
		"faultfs":        {SegmentBytes: 128 << 10, BlockBytes: 1 << 20, CacheBytes: 1 << 16},
		"encrypted":      {SegmentBytes: 16 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "small segments" {
				t.Skip("one option set is enough for -short")
			}
			disks := map[string]*faultfs.FS{}
			eventlogtest.Run(t, func(t testing.TB, dir string) eventlogtest.Log {
				o := o
				if name == "faultfs" || name == "encrypted" {
					if disks[dir] == nil {
						disks[dir] = newDisk(t, name == "encrypted")
					}
					o.FS, o.Keys = disks[dir], keysOn(disks[dir])
				}
				return open(t, dir, o)
			})
		})
	}
}
