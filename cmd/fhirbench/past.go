package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// A step is one workload of those that a name on the command line means.
type step struct {
	workload workload
	part     string // of W11, the same for both sides of a comparison
	turns    int    // into so many steps the part's duration is divided
}

// steps knows the workloads by name; nil for another. W9 measures counts and
// downloads apart. W11 has each part now, then twice as of the middle of the
// load, then now again: what changes steadily meanwhile on the machine falls on
// both sides alike.
func steps(name string) []step {
	one := func(w workload) []step { return []step{{w, "", 1}} }
	g := new(ground)
	switch name {
	case "W1":
		return one(crud{})
	case "W2":
		return one(new(bundles))
	case "W3":
		return one(searchWalk(g, false))
	case "W4":
		return one(searchMix(g))
	case "W5":
		return one(mixed{})
	case "W8":
		return one(pairs{})
	case "W9":
		return append(one(codeCounts(g, false)), step{codeDownloads(g, false), "", 1})
	case "W11":
		var out []step
		for _, part := range []func(*ground, bool) *searches{searchWalk, codeCounts, codeDownloads} {
			now, past := part(g, false), part(g, true)
			for _, w := range []*searches{now, past, past, now} {
				out = append(out, step{w, w.what, 2})
			}
		}
		return out
	}
	return nil
}

// A comparison is what a part of W11 costs as of the middle of the load beside
// the same now. Each side's rate is per server CPU second, or per second when
// no process was named.
type comparison struct {
	Part    string  `json:"part"`
	Clients int     `json:"clients"`
	Unit    string  `json:"unit"`
	Now     float64 `json:"now"`
	Past    float64 `json:"as_of"`
	Cost    float64 `json:"cost_ratio"`
	NowP50  float64 `json:"now_p50_ms"`
	PastP50 float64 `json:"as_of_p50_ms"`
}

// compare adds up the runs of both sides.
func compare(results []result) []comparison {
	type side struct{ requests, resources, cpu, seconds, p50 float64 }
	type key struct {
		part    string
		clients int
	}
	sides := make(map[key]*[2]side)
	var order []key
	for _, r := range results {
		if r.Part == "" {
			continue
		}
		k := key{r.Part, r.Clients}
		if sides[k] == nil {
			sides[k] = new([2]side)
			order = append(order, k)
		}
		s := &sides[k][0]
		if r.AsOf != "" {
			s = &sides[k][1]
		}
		s.p50 = (s.p50*s.requests + r.Latency.P50*float64(r.Requests)) / max(s.requests+float64(r.Requests), 1)
		s.requests += float64(r.Requests)
		s.resources += float64(r.Found)
		s.seconds += r.Seconds
		if r.Server != nil {
			s.cpu += r.Server.CPUSeconds
		}
	}
	var out []comparison
	for _, k := range order {
		now, past := sides[k][0], sides[k][1]
		c := comparison{Part: k.part, Clients: k.clients, Unit: "requests", NowP50: now.p50, PastP50: past.p50}
		if now.resources > 0 && k.part == "downloads" {
			c.Unit = "resources"
			now.requests, past.requests = now.resources, past.resources
		}
		if now.cpu > 0 && past.cpu > 0 {
			c.Unit += " per CPU second"
			now.seconds, past.seconds = now.cpu, past.cpu
		} else {
			c.Unit += " per second"
		}
		c.Now, c.Past = ratio(now.requests, now.seconds), ratio(past.requests, past.seconds)
		c.Cost = ratio(c.Now, c.Past)
		out = append(out, c)
	}
	return out
}

// printComparison prints the sides beside each other.
func printComparison(w io.Writer, all []comparison) {
	fmt.Fprintln(w, "Now and as of the middle of the load:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "part\tclients\tper\tnow\tas of\tcost ratio\tnow p50 ms\tas of p50 ms\t")
	for _, c := range all {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%.2f\t%.2f\t%.2f\t\n", c.Part, c.Clients, c.Unit, count(c.Now), count(c.Past), c.Cost, c.NowP50, c.PastP50)
	}
	table.Flush()
	fmt.Fprintln(w)
}

// printComparisonJSON prints them as one line, told apart from runs by its
// member.
func printComparisonJSON(w io.Writer, name string, all []comparison) error {
	return json.NewEncoder(w).Encode(struct {
		Workload string       `json:"workload"`
		Compared []comparison `json:"compared"`
	}{name, all})
}
