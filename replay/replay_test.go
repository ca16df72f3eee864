package replay_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"fhirlog/domain/commit"
	"fhirlog/domain/event"
	"fhirlog/projections/store"
	"fhirlog/replay"
)

// folderOf writes a folder of keys and values.
func folderOf(t *testing.T, pairs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{MemTableBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for key, value := range pairs {
		b.Put([]byte(key), []byte(value))
	}
	if err := errors.Join(b.Commit(), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCompare(t *testing.T) {
	left := map[string]string{"a": "1", "b": "2", "c": "", "e": "5"}
	for name, c := range map[string]struct {
		right map[string]string
		limit int
		want  []string
		keys  int
	}{
		"equal":                {map[string]string{"a": "1", "b": "2", "c": "", "e": "5"}, 9, nil, 4},
		"another value":        {map[string]string{"a": "1", "b": "3", "c": "", "e": "5"}, 9, []string{`"b": 32 against 33`}, 4},
		"missing on the right": {map[string]string{"b": "2", "e": "5"}, 9, []string{`"a": 31 against `, `"c":  against `}, 4},
		"missing on the left":  {map[string]string{"a": "1", "b": "2", "c": "", "d": "4", "e": "5", "f": "6"}, 9, []string{`"d":  against 34`, `"f":  against 36`}, 6},
		"nothing on the right": {nil, 9, []string{`"a": 31 against `, `"b": 32 against `, `"c":  against `, `"e": 35 against `}, 4},
		"more than the limit":  {map[string]string{"x": "1"}, 2, []string{`"a": 31 against `, `"b": 32 against `}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			differences, keys, err := replay.Compare(folderOf(t, left), folderOf(t, c.right), store.Options{}, c.limit)
			if err != nil || keys != c.keys || len(differences) != len(c.want) {
				t.Fatalf("Compare: %v of %d keys, %v; want %q of %d", differences, keys, err, c.want, c.keys)
			}
			for i, d := range differences {
				if d.String() != c.want[i] {
					t.Errorf("difference %d: %s, want %s", i, d, c.want[i])
				}
			}
		})
	}
}

// TestCompareTellsAMissingKeyFromAnEmptyValue by nil.
func TestCompareTellsAMissingKeyFromAnEmptyValue(t *testing.T) {
	differences, _, err := replay.Compare(folderOf(t, map[string]string{"k": ""}), folderOf(t, nil), store.Options{}, 9)
	if err != nil || len(differences) != 1 || differences[0].Left == nil || differences[0].Right != nil {
		t.Errorf("Compare: %#v, %v", differences, err)
	}
}

func TestCompareNeedsBothFoldersForItself(t *testing.T) {
	good, used := folderOf(t, map[string]string{"a": "1"}), folderOf(t, map[string]string{"a": "1"})
	s, err := store.Open(used, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, pair := range [][2]string{{good, used}, {used, good}} {
		if _, _, err := replay.Compare(pair[0], pair[1], store.Options{}, 9); !errors.Is(err, store.ErrInUse) {
			t.Errorf("Compare with a folder in use: %v, want ErrInUse", err)
		}
	}
}

// TestRebuild tells how far it is, stops when told to, and goes on from there.
func TestRebuild(t *testing.T) {
	m := newMachine(t, 1)
	for range 20 {
		commands := make([]commit.Command, 500)
		for i := range commands {
			commands[i] = commit.Command{Interaction: event.Create, Type: "Patient", Resource: m.parse(`{"resourceType":"Patient"}`)}
		}
		m.run(commands...)
	}
	m.stop()
	log := m.openLog()
	defer log.Close()
	o := m.projectionOptions()
	o.Dir = filepath.Join(t.TempDir(), "rebuilt")

	ctx, cancel := context.WithCancel(t.Context())
	stoppedAt := uint64(0)
	err := replay.Rebuild(ctx, log, o, func(applied, _ uint64) {
		stoppedAt = applied
		cancel()
	})
	if !errors.Is(err, context.Canceled) || stoppedAt == 0 || stoppedAt >= 10_000 {
		t.Fatalf("Rebuild that is cancelled at %d: %v", stoppedAt, err)
	}
	var told []uint64
	err = replay.Rebuild(t.Context(), log, o, func(applied, total uint64) {
		if total != 10_000 {
			t.Errorf("progress: total %d", total)
		}
		told = append(told, applied)
	})
	if err != nil || len(told) == 0 || told[0] <= stoppedAt || told[len(told)-1] != 10_000 {
		t.Fatalf("Rebuild: %v, progress %v after %d", err, told, stoppedAt)
	}
	differences, keys, err := replay.Compare(m.projectionOptions().Dir, o.Dir, store.Options{}, 9)
	if err != nil || len(differences) != 0 || keys < 10_000 {
		t.Errorf("Compare: %v of %d keys, %v", differences, keys, err)
	}
	if err := replay.Rebuild(t.Context(), log, o, nil); err != nil {
		t.Errorf("Rebuild of what is there: %v", err)
	}
}

// TestRebuildOfNothing: a log without records has nothing to wait for, and its
// projections are complete all the same.
func TestRebuildOfNothing(t *testing.T) {
	m := newMachine(t, 1)
	m.stop()
	log := m.openLog()
	defer log.Close()
	for range 20 {
		o := m.projectionOptions()
		o.Dir = filepath.Join(t.TempDir(), "rebuilt")
		if err := replay.Rebuild(t.Context(), log, o, nil); err != nil {
			t.Fatal(err)
		}
		differences, keys, err := replay.Compare(m.projectionOptions().Dir, o.Dir, store.Options{}, 9)
		if err != nil || len(differences) != 0 || keys == 0 {
			t.Fatalf("Compare: %v of %d keys, %v", differences, keys, err)
		}
	}
}

// TestAnOutlineHoldsNoContent, only what tells where to look.
func TestAnOutlineHoldsNoContent(t *testing.T) {
	for want, d := range map[string]replay.Difference{
		`a key of family "i" and 7 bytes: 5 bytes against nothing`: {Key: []byte("iSecret"), Left: []byte("smith")},
		`a key of family "c" and 2 bytes: 0 bytes against 1 bytes`: {Key: []byte("cx"), Left: []byte{}, Right: []byte("y")},
	} {
		if got := d.Outline(); got != want {
			t.Errorf("Outline() = %s, want %s", got, want)
		}
	}
}
