package eventlog

import "sync"

// blockCache keeps some decompressed blocks, so that reading the neighbours of
// a record is cheap. It hands out copies only; its memory is reused.
type blockCache struct {
	shards [8]cacheShard
	limit  int // bytes per shard; 0: no cache
}

type cacheShard struct {
	mu     sync.Mutex // guards the fields below
	blocks map[blockID]*cachedBlock
	bytes  int
	oldest *cachedBlock // the ring of all blocks, in order of use
}

type blockID struct {
	file   uint64 // see segment.file
	offset int64
}

type cachedBlock struct {
	id             blockID
	content        []byte
	previous, next *cachedBlock
}

func newBlockCache(limit int64) *blockCache {
	c := &blockCache{}
	if limit > 0 {
		c.limit = int(limit) / len(c.shards)
	}
	for i := range c.shards {
		c.shards[i].blocks = map[blockID]*cachedBlock{}
	}
	return c
}

func (c *blockCache) shard(id blockID) *cacheShard {
	h := (uint64(id.offset)/8 + id.file*0x9E3779B9) * 0x9E3779B97F4A7C15
	return &c.shards[h>>61]
}

// copyRange appends bytes of a cached block to dst.
func (c *blockCache) copyRange(dst []byte, id blockID, from, to int) ([]byte, bool) {
	if c.limit == 0 {
		return dst, false
	}
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.blocks[id]
	if b == nil || to > len(b.content) {
		return dst, false
	}
	s.useLocked(b)
	return append(dst, b.content[from:to]...), true
}

// add keeps a copy of the block.
func (c *blockCache) add(id blockID, content []byte) {
	if len(content) > c.limit/8 {
		return // it would drive out too much
	}
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks[id] != nil {
		return
	}
	var memory []byte
	for s.bytes+len(content) > c.limit {
		memory = s.evictLocked()
	}
	b := &cachedBlock{id: id, content: append(memory[:0], content...)}
	s.blocks[id] = b
	s.bytes += cap(b.content)
	b.previous, b.next = b, b
	s.linkLocked(b)
}

func (s *cacheShard) linkLocked(b *cachedBlock) {
	if s.oldest == nil {
		s.oldest = b
		return
	}
	newest := s.oldest.previous
	b.previous, b.next = newest, s.oldest
	newest.next, s.oldest.previous = b, b
}

func (s *cacheShard) unlinkLocked(b *cachedBlock) {
	if b.next == b {
		s.oldest = nil
		return
	}
	b.previous.next, b.next.previous = b.next, b.previous
	if s.oldest == b {
		s.oldest = b.next
	}
	b.previous, b.next = b, b
}

func (s *cacheShard) useLocked(b *cachedBlock) {
	s.unlinkLocked(b)
	b.previous, b.next = b, b
	s.linkLocked(b)
}

func (s *cacheShard) evictLocked() []byte {
	b := s.oldest
	s.unlinkLocked(b)
	delete(s.blocks, b.id)
	s.bytes -= cap(b.content)
	return b.content
}

// forget drops all blocks of a file.
func (c *blockCache) forget(file uint64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for id, b := range s.blocks {
			if id.file == file {
				s.unlinkLocked(b)
				delete(s.blocks, id)
				s.bytes -= cap(b.content)
			}
		}
		s.mu.Unlock()
	}
}
