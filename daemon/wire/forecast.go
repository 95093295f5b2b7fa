package wire

import "time"

// Outcomes of a Prospect, the worst first.
const (
	Lost      = "lost"      // because of the outage
	Waits     = "waits"     // a human is needed already
	Ends      = "ends"      // a human is needed by then, outage or not
	Endures   = "survives"  // to the end of the forecast
	Undecided = "undecided" // nothing registered, or the record does not open
)

// A Forecast tells what an outage would do to the grants.
type Forecast struct {
	From          time.Time `json:"from"`  // of the outage
	To            time.Time `json:"to"`    // of the outage
	Until         time.Time `json:"until"` // how far the forecast looks
	OutageSeconds float64   `json:"outage_seconds"`
	EndpointDown  bool      `json:"endpoint_down"` // else the daemon is away
	// Counts are grants by outcome. Complete is false when the fleet is larger
	// than what was looked at; then the most urgent were.
	Counts   map[string]int `json:"counts"`
	Complete bool           `json:"complete"`
	// Longest is up to when an outage from From may last and lose no grant that
	// is alive then. What ends at its time whether refreshed or not, as a static
	// token, does not count; null: no end is known of any other.
	Longest *WindowEnd `json:"longest"`
	Grants  []Prospect `json:"grants"` // the worst first
}

// FirstLost returns the grant that the outage costs before all others; nil: none.
func (f Forecast) FirstLost() *Prospect {
	var first *Prospect
	for i, p := range f.Grants {
		if p.Outcome == Lost && p.At != nil && (first == nil || p.At.Before(*first.At)) {
			first = &f.Grants[i]
		}
	}
	return first
}

// A Prospect is the forecast of one grant.
type Prospect struct {
	Grant   string     `json:"grant"`
	Kind    string     `json:"kind"`
	Level   string     `json:"level"` // as wire.Grant.Level, now
	Outcome string     `json:"outcome"`
	At      *time.Time `json:"at"`     // when it is lost or ends; null: it is not
	Window  string     `json:"window"` // sliding fixed unknown; unknown is taken as fixed
	// WithoutToken is the time without a live access token, in seconds.
	WithoutToken float64 `json:"without_token_seconds"`
}

// A Drained is one line of the answer to a drain: a grant that gained, or did
// not come through. The last one names no grant and counts.
type Drained struct {
	Grant     string `json:"grant,omitempty"`
	Error     string `json:"error,omitempty"`
	Done      int    `json:"done"`
	Of        int    `json:"of"`
	Refreshed int    `json:"refreshed"`
	Failed    int    `json:"failed"`
}
