package record

import (
	"encoding/binary"
	"fmt"
)

const commitPayload = 24

// CommitFrameSize is the size of a commit frame.
const CommitFrameSize = FrameHeaderSize + commitPayload

// Commit is the content of a commit frame. With Count 0 it is a mark.
type Commit struct {
	Next          uint64 // position after the last record of the commit
	SyncedThrough int64  // file offset known durable when this was written
	Count         uint32
	Chain         Chain
}

// AppendCommit appends the commit frame of c.
func AppendCommit(dst []byte, c Commit, key Key) []byte {
	dst, start := beginFrame(dst)
	dst = binary.LittleEndian.AppendUint64(dst, c.Next)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(c.SyncedThrough))
	dst = binary.LittleEndian.AppendUint32(dst, c.Count)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(c.Chain))
	return finishFrame(dst, start, KindCommit, 0, key)
}

// DecodeCommit reads a commit frame.
func DecodeCommit(f Frame) (Commit, error) {
	if f.Kind != KindCommit || len(f.Payload) != commitPayload {
		return Commit{}, fmt.Errorf("%w: not a commit frame", ErrMalformed)
	}
	p := f.Payload
	c := Commit{
		Next:          binary.LittleEndian.Uint64(p),
		SyncedThrough: int64(binary.LittleEndian.Uint64(p[8:])),
		Count:         binary.LittleEndian.Uint32(p[16:]),
		Chain:         Chain(binary.LittleEndian.Uint32(p[20:])),
	}
	if c.SyncedThrough < 0 || uint64(c.Count) > c.Next {
		return Commit{}, fmt.Errorf("%w: commit of %d records up to %d", ErrMalformed, c.Count, c.Next)
	}
	return c, nil
}
