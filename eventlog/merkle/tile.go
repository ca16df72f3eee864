package merkle

import (
	"fmt"
	"strconv"
	"strings"
)

// Tile names one tile (https://c2sp.org/tlog-tiles#merkle-tree).
type Tile struct {
	Level int
	Index uint64
	Width int // entries, TileWidth if it is full
}

// String is the path of the tile below the prefix of the log.
func (t Tile) String() string {
	path := fmt.Sprintf("%03d", t.Index%1000)
	for rest := t.Index / 1000; rest > 0; rest /= 1000 {
		path = fmt.Sprintf("x%03d/%s", rest%1000, path)
	}
	path = "tile/" + strconv.Itoa(t.Level) + "/" + path
	if t.Width < TileWidth {
		path += ".p/" + strconv.Itoa(t.Width)
	}
	return path
}

// Within says whether a tree of that size has all entries of the tile.
func (t Tile) Within(size uint64) bool {
	return t.Index*TileWidth+uint64(t.Width) <= Entries(size, t.Level)
}

// longestTilePath is that of any tile of a tree of MaxSize.
const longestTilePath = len("tile/5/x281/x474/x976/710/656.p/255") + 8

// ParseTile reads a path that String gives, and no other form of it. Tiles of
// levels that no tree of MaxSize has are none.
func ParseTile(path string) (Tile, error) {
	refuse := func(why string) (Tile, error) {
		return Tile{}, fmt.Errorf("not the path of a tile: %s; it is tile/<level>/<index>, such as tile/0/x001/234, or tile/0/x001/234.p/56 for one of 56 entries", why)
	}
	if len(path) > longestTilePath {
		return refuse("it is too long")
	}
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok {
		return refuse("it does not begin with tile/")
	}
	level, rest, ok := strings.Cut(rest, "/")
	t := Tile{Width: TileWidth}
	n, err := parseCanonical(level)
	if !ok || err != nil || n >= TileLevels {
		return refuse(fmt.Sprintf("the level is a number below %d", TileLevels))
	}
	t.Level = int(n)
	rest, width, partial := strings.Cut(rest, ".p/")
	if partial {
		n, err := parseCanonical(width)
		if err != nil || n < 1 || n >= TileWidth {
			return refuse(fmt.Sprintf("the width is a number from 1 to %d", TileWidth-1))
		}
		t.Width = int(n)
	}
	groups := strings.Split(rest, "/")
	for i, group := range groups {
		if last := i == len(groups)-1; !last {
			if group, ok = strings.CutPrefix(group, "x"); !ok {
				return refuse("all groups of the index but the last begin with x")
			}
		}
		n, err := strconv.ParseUint(group, 10, 64)
		if err != nil || len(group) != 3 || i == 0 && n == 0 && len(groups) > 1 {
			return refuse("the index is in groups of three digits, without groups of zeros before it")
		}
		if t.Index = t.Index*1000 + n; t.Index > MaxSize/TileWidth {
			return refuse("the index is too large")
		}
	}
	return t, nil
}

// parseCanonical reads a decimal number in its only form.
func parseCanonical(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err == nil && strconv.FormatUint(n, 10) != s {
		err = fmt.Errorf("%q is not how %d is written", s, n)
	}
	return n, err
}
