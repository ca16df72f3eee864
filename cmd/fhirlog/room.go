package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"fhirlog/eventlog"
	"fhirlog/httpapi"
)

// littleRoom is how many bytes there should at least be for the log to grow. A bulk
// load takes some minutes for that.
const littleRoom = 1 << 30

// roomState is how much room the log has.
type roomState int

const (
	enoughRoom roomState = iota
	unknownRoom
	nearlyFull
	diskFull // writes are refused
)

func stateOf(room eventlog.Room, err error) roomState {
	switch left := room.Left(); {
	case err != nil:
		return unknownRoom
	case left == 0:
		return diskFull
	case left < littleRoom:
		return nearlyFull
	}
	return enoughRoom
}

// leastRoom is what the projections are given to open and to catch up. Their store maps
// its files into memory, and a page of them that the disk has no room for ends the
// process.
const leastRoom = 16 << 20

// mayOpen refuses to open the projections on a disk that others have filled.
func mayOpen(room eventlog.Room, err error) error {
	if err == nil && room.Free < leastRoom {
		return fmt.Errorf("the disk has %d kB free, and the projections need %d to open: free room and start again; the log is whole", room.Free>>10, leastRoom>>10)
	}
	return err
}

// judgeRoom is what /health/check tells of the room. While writes are refused all
// else is answered, so that the node is degraded and not unhealthy.
func judgeRoom(room eventlog.Room, err error) error {
	const mega = 1 << 20
	switch stateOf(room, err) {
	case unknownRoom:
		return httpapi.Degraded("it cannot be found out how much room the disk has")
	case diskFull:
		return httpapi.Degraded(fmt.Sprintf("the disk is full: %d MiB are free, and %d MiB have to stay free; writes are refused; free room, no restart is needed",
			room.Free/mega, room.Reserve/mega))
	case nearlyFull:
		return httpapi.Degraded(fmt.Sprintf("the disk is nearly full: there is room for %d MiB, and writes that need more are refused; free room", room.Left()/mega))
	}
	return nil
}

// watchEvery is how often the room is looked at for the server's log.
const watchEvery = 30 * time.Second

// watchRoom logs when the disk gets full, and when it has room again, until ctx ends.
func watchRoom(ctx context.Context, room func() (eventlog.Room, error), log zerolog.Logger) {
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	for told := enoughRoom; ; {
		now, err := room()
		if state := stateOf(now, err); state != told {
			told = state
			line := func(e *zerolog.Event, message string) {
				e.Err(err).Int64("free_bytes", now.Free).Int64("reserve_bytes", now.Reserve).Msg(message)
			}
			switch state {
			case enoughRoom:
				line(log.Info(), "the disk has room again")
			case unknownRoom:
				line(log.Error(), "it cannot be found out how much room the disk has")
			case nearlyFull:
				line(log.Warn(), "the disk is nearly full: soon writes are refused")
			case diskFull:
				line(log.Error(), "the disk is full: writes are refused until there is room")
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}
