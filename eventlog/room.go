package eventlog

import (
	"fmt"
	"time"
)

// Room is what the disk of a log can still take.
type Room struct {
	Free    int64 // bytes
	Reserve int64 // bytes that the log leaves free, for what is derived from it
}

// Left is what the log may still use. With nothing left commits are refused, even
// where room is allocated for them already.
func (r Room) Left() int64 { return max(0, r.Free-r.Reserve) }

// Room tells what the disk can take now.
func (l *Log) Room() (Room, error) {
	free, err := l.fs.Free(l.dir)
	if err != nil {
		return Room{}, fmt.Errorf("ask for free space: %w", err)
	}
	return Room{Free: free, Reserve: max(0, l.options.MinFreeBytes)}, nil
}

// roomEvery is how old an answer about free space may be for an append to rely on it.
const roomEvery = 50 * time.Millisecond

// knownRoom is such an answer.
type knownRoom struct {
	room Room
	at   time.Time
}

// refuseFull refuses an append when the reserve is touched, by whoever else writes to
// the disk. The log may have room allocated, but readers that derive from what is
// appended have not, and may end the process when there is none.
func (l *Log) refuseFull() error {
	if l.options.MinFreeBytes <= 0 {
		return nil
	}
	known := l.room.Load()
	if known == nil || known.room.Left() == 0 || time.Since(known.at) > roomEvery {
		room, err := l.Room()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDiskFull, err)
		}
		known = &knownRoom{room, time.Now()}
		l.room.Store(known)
	}
	if known.room.Left() == 0 {
		return fmt.Errorf("%w: %d bytes free, %d to be left", ErrDiskFull, known.room.Free, known.room.Reserve)
	}
	return nil
}
