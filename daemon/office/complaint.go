package office

import (
	"maps"
	"slices"
	"time"
)

const (
	// complainsAfter is how long something has kept a host in office from
	// refreshing when it complains: shorter is a bad moment of the other side.
	complainsAfter = time.Minute
	// complainsFor is how long a complaint outlives its last sight. Meanwhile
	// others try; where they fare no better the office comes back no sooner.
	complainsFor = 10 * time.Minute
)

// Complaints are what kept this host from refreshing when it was in office: token
// endpoints that do not answer, clients that are refused. The zero value has none.
// Instants are by the boot clock.
type Complaints struct {
	began map[string]time.Duration // that are there, since when in this term
	seen  map[string]time.Duration // the last sight of those that were long enough
}

// Look takes what is wrong now, in office. What was wrong before this term counts
// from its beginning only: it was another host's to find out since.
func (c *Complaints) Look(wrong []string, term, now time.Duration) {
	if c.began == nil {
		c.began, c.seen = make(map[string]time.Duration), make(map[string]time.Duration)
	}
	maps.DeleteFunc(c.began, func(what string, since time.Duration) bool { return since < term || !slices.Contains(wrong, what) })
	for _, what := range wrong {
		since, known := c.began[what]
		if !known {
			since = now
			c.began[what] = since
		}
		if now-since >= complainsAfter {
			c.seen[what] = now
		}
	}
	// What works again in office is no complaint.
	maps.DeleteFunc(c.seen, func(what string, last time.Duration) bool { return last >= term && !slices.Contains(wrong, what) })
}

// List returns the complaints of this moment, in order.
func (c *Complaints) List(now time.Duration) []string {
	maps.DeleteFunc(c.seen, func(_ string, last time.Duration) bool { return now-last >= complainsFor })
	return slices.Sorted(maps.Keys(c.seen))
}

// FaresBetter reports whether a host with other complaints may refresh what one
// with these cannot, and nothing less.
func FaresBetter(other, these []string) bool {
	missing := func(in []string) func(string) bool {
		return func(what string) bool { return !slices.Contains(in, what) }
	}
	return slices.ContainsFunc(these, missing(other)) && !slices.ContainsFunc(other, missing(these))
}
