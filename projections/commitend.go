package projections

import "fhirlog/eventlog"

// CommitEnd returns the number of records up to the last one of the commit that
// a position below Applied belongs to. It fails when the log cannot be read.
func (p *Projections) CommitEnd(position uint64) (uint64, error) {
	for {
		record, err := p.log.ReadMetadata(eventlog.Position(position))
		if err != nil {
			return 0, err
		}
		position++
		if record.CommitEnd {
			return position, nil
		}
	}
}

// CommitEnd is that of Projections. The log alone tells.
func (l *Live) CommitEnd(position uint64) (uint64, error) { return l.answering().p.CommitEnd(position) }
