package keys

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"testing"

	"fhirlog/domain"
)

var types = []domain.ResourceType{"", "A", "Account", "AccountX", "Patient", "Observation", "VisionPrescription"}

// resource draws a type and an id that often is near to the one before.
func resource(r *rand.Rand) (domain.ResourceType, domain.LogicalID) {
	const letters = "-.0Az"
	id := make([]byte, 1+r.IntN(4))
	for i := range id {
		id[i] = letters[r.IntN(len(letters))]
	}
	return types[1+r.IntN(len(types)-1)], domain.LogicalID(id)
}

func version(r *rand.Rand) domain.VersionID {
	return domain.VersionID(r.Uint64() >> r.IntN(64))
}

func random(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

// TestByteOrderIsValueOrder: of types, ids, versions and blocks, in this order.
func TestByteOrderIsValueOrder(t *testing.T) {
	r := random(t)
	for range 20_000 {
		t1, id1 := resource(r)
		t2, id2 := resource(r)
		v1, v2 := version(r), version(r)
		block1, block2 := r.Uint32()>>r.IntN(32), r.Uint32()>>r.IntN(32)
		if r.IntN(3) == 0 {
			t2, id2 = t1, id1
		}
		byResource := cmp.Or(cmp.Compare(t1, t2), cmp.Compare(id1, id2))
		if got := bytes.Compare(Current(t1, id1), Current(t2, id2)); got != byResource {
			t.Fatalf("Current: %s/%s and %s/%s compare as %d", t1, id1, t2, id2, got)
		}
		if got, want := bytes.Compare(Version(t1, id1, v1), Version(t2, id2, v2)), cmp.Or(byResource, cmp.Compare(v1, v2)); got != want {
			t.Fatalf("Version: %s/%s/%d and %s/%s/%d compare as %d", t1, id1, v1, t2, id2, v2, got)
		}
		byBlock := cmp.Or(cmp.Compare(t1, t2), cmp.Compare(block1, block2))
		if got := bytes.Compare(Set(t1, block1), Set(t2, block2)); got != byBlock {
			t.Fatalf("Set: %s/%d and %s/%d compare as %d", t1, block1, t2, block2, got)
		}
		if got := bytes.Compare(Size(t1, block1), Size(t2, block2)); got != byBlock {
			t.Fatalf("Size: %s/%d and %s/%d compare as %d", t1, block1, t2, block2, got)
		}
	}
}

func TestParseInverts(t *testing.T) {
	r := random(t)
	for range 5000 {
		wantType, wantID := resource(r)
		if gotType, gotID, ok := ParseCurrent(Current(wantType, wantID)); !ok || gotType != wantType || gotID != wantID {
			t.Fatalf("ParseCurrent(Current(%s, %s)) = %s, %s, %t", wantType, wantID, gotType, gotID, ok)
		}
		v := version(r)
		key := Version(wantType, wantID, v)
		if got := VersionOf(key); got != v || !bytes.HasPrefix(key, Versions(wantType, wantID)) {
			t.Fatalf("VersionOf(Version(%s, %s, %d)) = %d", wantType, wantID, v, got)
		}
		block := r.Uint32() >> r.IntN(32)
		wantType = types[r.IntN(len(types))]
		size := Size(wantType, block)
		if gotType, got, ok := ParseSize(size); !ok || gotType != wantType || got != block || !bytes.HasPrefix(size, Sizes()) {
			t.Fatalf("ParseSize(Size(%s, %d)) = %s, %d, %t", wantType, block, gotType, got, ok)
		}
	}
}

// TestPrefixesBelongToOneResource: an id that begins another one is no prefix.
func TestPrefixesBelongToOneResource(t *testing.T) {
	for _, other := range []struct {
		t  domain.ResourceType
		id domain.LogicalID
	}{{"Patient", "12"}, {"Patient", "1-"}, {"Patien", "1"}, {"PatientX", "1"}} {
		if bytes.HasPrefix(Version(other.t, other.id, 1), Versions("Patient", "1")) {
			t.Errorf("the versions of %s/%s are among those of Patient/1", other.t, other.id)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, key := range [][]byte{nil, {}, []byte("cPatient"), []byte("vPatient\x001"), FormatKey, HistoryCursor} {
		if a, b, ok := ParseCurrent(key); ok {
			t.Errorf("ParseCurrent(%q) = %s, %s", key, a, b)
		}
	}
	for _, key := range [][]byte{nil, {}, Sizes(), []byte("n\x00\x00\x00\x00"), []byte("nPatient0000"), Set("Patient", 1), Current("n", "1234")} {
		if a, b, ok := ParseSize(key); ok {
			t.Errorf("ParseSize(%q) = %s, %d", key, a, b)
		}
	}
}

func TestFamiliesAreApart(t *testing.T) {
	seen := map[byte]string{}
	for name, key := range map[string][]byte{
		"Current": Current("A", "b"), "Version": Version("A", "b", 1), "Set": Set("A", 1), "Size": Size("A", 1), "Format": FormatKey,
	} {
		if other, taken := seen[key[0]]; taken {
			t.Errorf("%s and %s begin with %q", name, other, key[0])
		}
		seen[key[0]] = name
	}
	for _, key := range [][]byte{FHIRKey, LogKey, CurrentCursor, HistoryCursor} {
		if key[0] != FormatKey[0] {
			t.Errorf("%q is not among the keys that describe the folder", key)
		}
	}
}
