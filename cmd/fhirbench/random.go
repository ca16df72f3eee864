package main

// random is a splitmix64 generator: eight bytes of state, a few nanoseconds a
// number, the same sequence for the same seed everywhere.
type random uint64

// next returns the next 64 random bits.
func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r), 0)
}

// below returns a number in [0, n); the bias of the remainder does not matter
// for test data.
func (r *random) below(n uint64) uint64 { return r.next() % n }

// appendUUID appends a random (version 4) UUID.
func (r *random) appendUUID(dst []byte) []byte {
	const hex = "0123456789abcdef"
	high, low := r.next()&^0xf000|0x4000, r.next()&^(3<<62)|2<<62
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			dst = append(dst, '-')
		}
		half := high
		if i >= 16 {
			half = low
		}
		dst = append(dst, hex[half>>(60-4*(i%16))&15])
	}
	return dst
}

// mix scatters a value and a salt over 64 bits.
func mix(x, salt uint64) uint64 {
	x ^= salt * 0xd6e8feb86659fd93
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
