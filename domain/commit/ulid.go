package commit

import (
	"bufio"
	"crypto/rand"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"fhirlog/domain"
)

// newULIDs makes ids that sort by time, also within a millisecond.
func newULIDs() func() domain.LogicalID {
	var mu sync.Mutex
	entropy := ulid.Monotonic(bufio.NewReaderSize(rand.Reader, 4096), 0)
	return func() domain.LogicalID {
		mu.Lock()
		defer mu.Unlock()
		for {
			id, err := ulid.New(ulid.Timestamp(time.Now()), entropy)
			if err == nil {
				return domain.LogicalID(id.String())
			}
			// The entropy of this millisecond is used up: the next one has more.
			time.Sleep(time.Millisecond)
		}
	}
}
