package eventlog

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// codec compresses and decompresses blocks. Safe for concurrent use.
type codec struct {
	encoder    *zstd.Encoder
	decoder    *zstd.Decoder
	dictionary uint32 // id of the one that encoder uses
	known      map[uint32]bool
}

func newCodec(o *Options) (*codec, error) {
	c := &codec{known: map[uint32]bool{0: true}}
	for _, d := range o.dictionaries() {
		id, err := dictionaryID(d)
		if err != nil {
			return nil, err
		}
		c.known[id] = true
	}
	if len(o.Dictionary) > 0 {
		c.dictionary, _ = dictionaryID(o.Dictionary)
	}
	decode := []zstd.DOption{
		zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithDecodeAllCapLimit(true), // the frame says how long; more is damage
		zstd.WithDecoderLowmem(true),
	}
	if all := o.dictionaries(); len(all) > 0 {
		decode = append(decode, zstd.WithDecoderDicts(all...))
	}
	var err error
	if c.encoder, err = newEncoder(o.Dictionary, runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	if c.decoder, err = zstd.NewReader(nil, decode...); err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return c, nil
}

// encoderFor is an encoder for the segments that have a dictionary; id is its id.
func (c *codec) encoderFor(dictionary []byte, id uint32) (*zstd.Encoder, error) {
	if id == c.dictionary {
		return c.encoder, nil
	}
	return newEncoder(dictionary, 1)
}

// newEncoder makes an encoder for blocks with a dictionary, or without any.
func newEncoder(dictionary []byte, concurrency int) (*zstd.Encoder, error) {
	o := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(concurrency),
		zstd.WithEncoderCRC(false), // the frame has one, and the body a commitment
		zstd.WithWindowSize(128 << 10),
		zstd.WithLowerEncoderMem(true),
	}
	if len(dictionary) > 0 {
		o = append(o, zstd.WithEncoderDict(dictionary))
	}
	encoder, err := zstd.NewWriter(nil, o...)
	if err != nil {
		return nil, fmt.Errorf("zstd encoder: %w", err)
	}
	return encoder, nil
}

// compress appends the compressed form of src to dst, or reports that it does
// not pay.
func (c *codec) compress(dst, src []byte) ([]byte, bool) { return compress(c.encoder, dst, src) }

func compress(encoder *zstd.Encoder, dst, src []byte) ([]byte, bool) {
	if len(src) < 32 {
		return dst, false
	}
	before := len(dst)
	out := encoder.EncodeAll(src, dst)
	// Decompressing costs time at every read; less than 1/16 saved isn't worth it.
	if len(out)-before >= len(src)-len(src)/16 {
		return dst, false
	}
	return out, true
}

// decompress fills dst, whose length is that of the content, from src.
func (c *codec) decompress(dst, src []byte) error {
	if len(dst) == 0 {
		return errors.New("block of no content is compressed")
	}
	out, err := c.decoder.DecodeAll(src, dst[:0:len(dst)])
	if err != nil {
		return fmt.Errorf("decompress block: %w", err)
	}
	if len(out) != len(dst) {
		return fmt.Errorf("decompress block: %d bytes, expected %d", len(out), len(dst))
	}
	return nil
}
