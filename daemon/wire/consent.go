package wire

import "time"

// States of an Authorization.
const (
	Linked  = "linked"  // a one-time link waits to be opened
	Waiting = "waiting" // a person is asked
	Done    = "done"
	Failed  = "failed"
)

// Reasons of a Failed one.
const (
	OtherUser = "other_user" // somebody signed in to whom the grant does not belong
	Declined  = "declined"
)

// An Authorization is one consent under way. It holds neither code nor
// verifier.
type Authorization struct {
	ID     string `json:"id"`
	Grant  string `json:"grant"`
	Method string `json:"method"` // code device
	State  string `json:"state"`
	URL    string `json:"url"` // for the person to open
	// PageURL is a page of the daemon from which the person goes on to URL. Where
	// the daemon answers at RedirectURL, it takes answers from that browser alone;
	// URL itself is for those who hand in the address at which the browser ends.
	PageURL     string     `json:"page_url"`
	UserCode    string     `json:"user_code"`       // device
	URLComplete string     `json:"url_complete"`    // device: URL with the code in it
	RedirectURL string     `json:"redirect_url"`    // code: where the person is sent back to
	Served      bool       `json:"redirect_served"` // the daemon itself answers there
	ExpiresAt   time.Time  `json:"expires_at"`
	Error       string     `json:"error"`  // failed: why
	Reason      string     `json:"reason"` // failed: the same for programs, other_user or declined; empty: another
	Advice      string     `json:"advice"` // failed: what to do
	Outcome     *Consented `json:"outcome"`
}

// An Authorizing is the body that starts a consent.
type Authorizing struct {
	Device    bool `json:"device,omitempty"`
	OtherUser bool `json:"other_user,omitempty"`
	Link      bool `json:"link,omitempty"`
}

// A Redirect is the body that finishes a consent: the URL to which the person
// was sent back, with its query.
type Redirect struct {
	URL string `json:"redirect_url"`
}

// Where the end of the refresh window went with a consent.
const (
	WindowFirst   = "first" // there was none before
	WindowLater   = "later"
	WindowSame    = "same"
	WindowEarlier = "earlier"
	WindowUnknown = "unknown"
)

// Consented is the outcome of a consent.
type Consented struct {
	Grant    Grant    `json:"grant"`
	Result   string   `json:"result"` // new replaced
	Person   *Person  `json:"person"` // null: it could not be asked
	Missing  []string `json:"missing_scopes"`
	Window   string   `json:"window"`
	Warnings []string `json:"warnings"`
}

// A Person is the Webex user who consented.
type Person struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	Email       string `json:"email"`
	OrgID       string `json:"org_id"`
}

// A Probe is the answer of the API to the access token of a grant.
type Probe struct {
	Grant     string     `json:"grant"`
	Verdict   string     `json:"verdict"` // alive dead unknown
	Checks    []Check    `json:"checks"`
	Person    *Person    `json:"person"`
	ExpiresAt *time.Time `json:"expires_at"` // as the server says
	// ExpiryOff is the server's expiry less the one on record, in seconds; null
	// when either is not known.
	ExpiryOff *float64 `json:"expiry_off_seconds"`
	// ClockSkew is the server's clock less ours, in seconds, to a second or so.
	ClockSkew *float64 `json:"clock_skew_seconds"`
}

// A Check is one request of a probe.
type Check struct {
	Request    string `json:"request"` // GET /people/me
	Status     int    `json:"status"`  // 0: no answer
	Result     string `json:"result"`  // ok scope_missing dead unsupported failed
	Detail     string `json:"detail"`
	TrackingID string `json:"tracking_id"`
}

// A Revocation tells what became of the tokens of a grant at the broker.
type Revocation struct {
	Grant  string `json:"grant"`
	Result string `json:"result"` // revoked unsupported unknown
	Detail string `json:"detail"`
}

// An Unread is an answer of the token endpoint that could not be read. It may hold
// a refresh token.
type Unread struct {
	Grant    string    `json:"grant"`
	At       time.Time `json:"at"`       // when its request was sent
	Encoding string    `json:"encoding"` // of Body: text, or base64 where it is no UTF-8
	Body     string    `json:"body"`
}
