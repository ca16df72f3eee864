package event

import (
	"net/netip"
	"strings"
	"testing"
)

// BenchmarkEvent encodes and decodes the event of a create, with what W1 and a load of
// Synthea leave in it: a program and an address; without; and with all there can be.
func BenchmarkEvent(b *testing.B) {
	bare := Event{
		Kind: Written, Interaction: Create, Type: "Observation", ID: "01JABCDEFGHJKMNPQRSTVWXYZ0", Version: 1,
		Previous: NoPosition, MetaAt: 63, RequestID: "01JABCDEFGHJKMNPQRSTVWXYZ1",
	}
	program, browser, all := bare, bare, bare
	program.Agent, program.Address = "fhirbench", netip.MustParseAddr("127.0.0.1")
	browser.Agent, browser.Address = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", netip.MustParseAddr("2001:db8::1")
	all.Author, all.Agent, all.Address, all.Reason = strings.Repeat("a", MaxAuthor), strings.Repeat("a", MaxAgent), browser.Address, strings.Repeat("a", MaxReason)
	for _, c := range []struct {
		name  string
		event Event
	}{{"bare", bare}, {"program", program}, {"browser", browser}, {"all", all}} {
		encoded := c.event.Append(nil)
		b.Run("append/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				encoded = c.event.Append(encoded[:0])
			}
			b.ReportMetric(float64(len(encoded)), "bytes/event")
		})
		b.Run("decode/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
