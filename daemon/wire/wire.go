// Package wire holds the JSON of the API on the unix socket, as server and
// clients share it. Absent times are null; no type has room for a refresh
// token or a client secret.
package wire

import "time"

// RefreshTokenRejected is the reason of a grant whose refresh token was refused
// and is tried again; the others of its state are the codes of failures.
const RefreshTokenRejected = "refresh_token_rejected"

// TokenLimitReached is the reason of a grant whose account holds too many access
// tokens, as Webex calls it.
const TokenLimitReached = "tokenlimit_reached"

// RefreshTokenUnread is the reason of a grant whose last answer had a refresh
// token that could not be read: the one before is tried again, and the answer is
// kept for a human to look at.
const RefreshTokenUnread = "refresh_token_unread"

// Refused tells of a state and its reason that the refresh token was refused, and
// is tried again, in vain as a rule.
func Refused(state, reason string) bool {
	return (state == "retrying" || state == "unknown") && reason == RefreshTokenRejected
}

// A Grant is one grant as its operator sees it.
type Grant struct {
	Name            string            `json:"name"`
	Integration     string            `json:"integration"`
	Kind            string            `json:"kind"`
	State           string            `json:"state"`
	Reason          string            `json:"reason"`
	Level           string            `json:"level"`  // critical warning working fine: what it asks of people
	Action          string            `json:"action"` // a command that can be run; empty: nothing to do
	Since           *time.Time        `json:"since"`
	AccessExpiresAt *time.Time        `json:"access_expires_at"`
	RefreshDueAt    *time.Time        `json:"refresh_due_at"`
	WindowEndsAt    *time.Time        `json:"window_ends_at"`
	Window          string            `json:"window"`  // sliding fixed unknown
	Assumed         []string          `json:"assumed"` // names of fields that no response gave
	LastRefreshAt   *time.Time        `json:"last_refresh_at"`
	Generation      uint64            `json:"generation"`
	Failures        uint64            `json:"failures"` // consecutive
	LastError       *LastError        `json:"last_error"`
	Outputs         []Output          `json:"outputs"`
	Consumers       []Consumer        `json:"consumers"` // the latest first
	Scope           string            `json:"scope"`
	Labels          map[string]string `json:"labels"`
	// Person consented; null: not known.
	Person        *Person  `json:"person"`
	MissingScopes []string `json:"missing_scopes"` // configured and not granted
	// Observations are of the last 32 days with a refresh, oldest first; only
	// where one grant is asked for.
	Observations []Observation `json:"observations,omitempty"`
	// Manager is the grant that mints the tokens of this service app, Manages
	// are those that this grant mints for.
	Manager string   `json:"manager,omitempty"`
	Manages []string `json:"manages,omitempty"`
}

// End is from when on only a human can help; nil: no such time is known. A
// static token has no window: its own end counts.
func (g Grant) End() *time.Time {
	if g.Kind == "static" {
		return g.AccessExpiresAt
	}
	return g.WindowEndsAt
}

// An Observation is one answer's statement about the refresh window.
type Observation struct {
	At          time.Time  `json:"at"`
	EndsAt      *time.Time `json:"ends_at"` // null: it said nothing
	SameRefresh bool       `json:"same_refresh_token"`
}

// A LastError is the latest refusal.
type LastError struct {
	At          time.Time `json:"at"`
	Status      int       `json:"status"`
	Code        string    `json:"code"`
	Description string    `json:"description"`
	TrackingID  string    `json:"tracking_id"`
}

// An Output is a file that receives the token, or a hook that is told of it.
type Output struct {
	Type       string `json:"type"`
	Target     string `json:"target"`
	State      string `json:"state"` // ok behind failed
	Generation uint64 `json:"generation"`
	Error      string `json:"error"`
	// Host is where it is, among several that share a store; they do not know of
	// one another's.
	Host string `json:"host,omitempty"`
}

// Grants is a page of grants.
type Grants struct {
	Grants []Grant `json:"grants"`
	Next   string  `json:"next"` // cursor for after=; empty at the end
}

// A Token is the current access token.
type Token struct {
	AccessToken string     `json:"access_token"`
	TokenType   string     `json:"token_type"`
	ExpiresAt   *time.Time `json:"expires_at"`
	ExpiresIn   *int64     `json:"expires_in,omitempty"` // whole seconds
	Generation  uint64     `json:"generation"`
	Scope       string     `json:"scope"`
}

// A Status sums up the fleet and its daemon.
type Status struct {
	Grants            int               `json:"grants"`
	States            map[string]int    `json:"states"`
	Levels            map[string]int    `json:"levels"`       // as wire.Grant.Level
	StateLevels       map[string]string `json:"state_levels"` // of the most urgent grant in each state
	Refused           int               `json:"refused"`      // grants whose refresh token is refused, and tried again
	Counting          bool              `json:"counting"`
	EarliestWindowEnd *WindowEnd        `json:"earliest_window_end"`
	// Horizon is the first end that refreshing does not move, as far as answers
	// tell: until then nobody needs to act. Null: none is in sight.
	Horizon *WindowEnd `json:"horizon"`
	Keeper  Keeper     `json:"keeper"`
	// StoreKey is null where the store is not sealed.
	StoreKey       *StoreKey      `json:"store_key"`
	FailingOutputs FailingOutputs `json:"failing_outputs"`
	// Hosts are those that share the store, HostsFault is why nothing is refreshed
	// on any of them, HostsWarning what may soon come to that; all are absent where
	// the store is a file of one host.
	Hosts        []Host `json:"hosts,omitempty"`
	HostsFault   string `json:"hosts_fault,omitempty"`
	HostsWarning string `json:"hosts_warning,omitempty"`
}

// FailingOutputs are the grants of which a file or hook failed at its last try.
type FailingOutputs struct {
	Count  int      `json:"count"`
	Grants []string `json:"grants"` // their names, ten at most
}

// A WindowEnd is the end of a refresh window, or of a token that nobody can
// refresh.
type WindowEnd struct {
	Grant string    `json:"grant"`
	At    time.Time `json:"at"`
}

// Keeper is the health of the daemon itself.
type Keeper struct {
	LastSweepAt         *time.Time `json:"last_sweep_at"`
	StoreLatencySeconds float64    `json:"store_latency_seconds"`
	ClockSkewSeconds    float64    `json:"clock_skew_seconds"`
	Overdue             int        `json:"overdue"`
	StoreError          string     `json:"store_error"`     // why the store refuses to be written, so that nothing is refreshed
	Action              string     `json:"action"`          // a command that helps
	AlertError          string     `json:"alert_error"`     // why alerts do not arrive where they are sent; empty: they do
	ConfigError         string     `json:"config_error"`    // why the configuration that was saved last is not in force; empty: it is
	PagesError          string     `json:"pages_error"`     // why the pages are not served; empty: they are, or there are none
	DiskFreeBytes       int64      `json:"disk_free_bytes"` // of the store
	DiskError           string     `json:"disk_error"`      // why it may soon have no room for answers; empty: it has
}

// An Imported is the answer to a registration.
type Imported struct {
	Grant
	Result string `json:"result"` // new replaced unchanged
	Note   string `json:"note,omitempty"`
	// Notes are oddities of the imported text and what was made of them.
	Notes []string `json:"notes,omitempty"`
}

// An ImportedLine answers one line of a bulk import.
type ImportedLine struct {
	Line   int    `json:"line"` // from 1, blank ones included
	Grant  string `json:"grant"`
	Result string `json:"result,omitempty"`
	Note   string `json:"note,omitempty"`
	Error  string `json:"error,omitempty"`
	// Notes are oddities of the line and what was made of them.
	Notes []string `json:"notes,omitempty"`
}

// A Move hands the store over to another place.
type Move struct {
	Store string `json:"store"` // the path that the caller is going to copy
	To    string `json:"to"`
}

// An Event tells that something happened to a grant.
type Event struct {
	Grant      string    `json:"grant"`
	Generation uint64    `json:"generation"`
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at"`
}

// A Problem is an error as RFC 9457 draws it.
type Problem struct {
	Type   string `json:"type,omitempty"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Action string `json:"action"`
}

// Stamp formats an instant for logs, as the API does.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
