package projections

import (
	"container/list"
	"sync"

	"fhirlog/domain/event"
	"fhirlog/domain/resource"
	"fhirlog/eventlog"
)

// versionCacheBytes bounds the versions that are kept in memory, bodies
// included.
const versionCacheBytes = 48 << 20

// versionCache keeps versions that were read lately, so that the pages of a
// search need not read and decompress them again. A version in the log never
// changes; whether it may still be shown is not asked here.
type versionCache struct {
	shards [16]versionShard
}

type versionShard struct {
	mu         sync.Mutex // guards the fields below
	byPosition map[uint64]*list.Element
	order      list.List // of resource.Version, the latest used first
	bytes      int
}

func (c *versionCache) shard(position uint64) *versionShard {
	return &c.shards[position%uint64(len(c.shards))]
}

func (c *versionCache) get(position uint64) (v resource.Version, ok bool) {
	s := c.shard(position)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.byPosition[position]
	if at == nil {
		return v, false
	}
	s.order.MoveToFront(at)
	return at.Value.(resource.Version), true
}

func (c *versionCache) put(v resource.Version) {
	const most = versionCacheBytes / len(c.shards)
	size := sizeOf(&v)
	if size > most/8 {
		return // it would drive out too much
	}
	s := c.shard(v.Position)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byPosition == nil {
		s.byPosition = map[uint64]*list.Element{}
	}
	if s.byPosition[v.Position] != nil {
		return
	}
	s.byPosition[v.Position] = s.order.PushFront(v)
	s.bytes += size
	for s.bytes > most {
		last := s.order.Remove(s.order.Back()).(resource.Version)
		delete(s.byPosition, last.Position)
		s.bytes -= sizeOf(&last)
	}
}

// clear forgets everything.
func (c *versionCache) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		clear(s.byPosition)
		s.order.Init()
		s.bytes = 0
		s.mu.Unlock()
	}
}

func sizeOf(v *resource.Version) int { return 256 + cap(v.Body) }

// version reads the record at a position as a version of a resource.
func (p *Projections) version(position uint64) (resource.Version, error) {
	if v, ok := p.versions.get(position); ok {
		return v, nil
	}
	record, err := p.log.Read(eventlog.Position(position))
	if err != nil {
		return resource.Version{}, err
	}
	e, err := event.Decode(record.Metadata)
	if err != nil {
		return resource.Version{}, err
	}
	if e.IDErased || e.Kind == event.Written && !record.HasBody {
		return resource.Version{}, notFound(e.Type)
	}
	v := resource.FromEvent(&e, position, record.Instant, record.Body)
	p.versions.put(v)
	return v, nil
}
