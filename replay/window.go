package replay

import (
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// A window is asked again when something was applied since, but not more often than
// this: what is erased meanwhile is as good as told a moment before.
const windowGoodFor = 10 * time.Millisecond

// windowSize is how many positions a window looks at.
const windowSize = 4096

// window knows which versions among some positions are shown.
type window struct {
	from, before uint64
	applied      uint64 // when it was asked
	asked        time.Time
	shown        *roaring64.Bitmap
}

// has says whether the version at a position is shown; positions from
// there to before end will be asked for as well.
func (w *window) has(view View, position, end uint64) (bool, error) {
	if position < w.from || position >= w.before || view.Applied() != w.applied && time.Since(w.asked) > windowGoodFor {
		if err := w.ask(view, position, min(end, position+windowSize)); err != nil {
			return false, err
		}
	}
	return w.shown.Contains(position), nil
}

func (w *window) ask(view View, from, before uint64) error {
	w.from, w.before, w.applied, w.asked = from, before, view.Applied(), time.Now()
	w.shown = roaring64.New()
	return view.Shown(from, before, func(position uint64) (bool, error) {
		w.shown.Add(position)
		return true, nil
	})
}
