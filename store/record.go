package store

import "time"

// A Record is all that is kept of one grant. Times are UTC and kept to the
// millisecond; a zero time means "none". The encoded form stands in codec.go.
type Record struct {
	Name        string
	Integration string // under which it was registered
	Kind        string
	Generation  uint64 // tokens stored so far

	Token   Token
	Refresh RefreshToken
	// Fallbacks are refresh tokens that may still work, best first, at most
	// two: the one before Refresh until Refresh has worked once, and one that
	// an answer brought while the record was changed by somebody else.
	Fallbacks []RefreshToken

	// RedirectURI and CodeVerifier are sent again on refresh by Meetings.
	RedirectURI  string
	CodeVerifier Secret
	User         string // user_name of Meetings
	Email        string
	Site         string
	Person       Person // who consented; zero: not known

	RegisteredAt time.Time
	// LastRefreshAt is when the request of the last successful refresh was
	// sent, LastAttemptAt that of the last one of all.
	LastRefreshAt time.Time
	LastAttemptAt time.Time
	DueAt         time.Time // of the next refresh; zero: never

	// AssumedAccess and AssumedWindow: no response gave the number.
	AssumedAccess bool
	AssumedWindow bool

	PausedSince      time.Time
	UndeclaredSince  time.Time // the configuration no longer names the grant
	UnverifiedSince  time.Time
	ReauthorizeSince time.Time
	UnknownSince     time.Time
	FailingSince     time.Time
	Failures         uint64 // consecutive
	Reason           string // of the latest failure
	LastError        *LastError
	Rejection        Rejection
	Unread           *Unread

	// Removed leaves nothing but Name and what recognises refresh tokens, so that
	// a seed does not resurrect what an operator removed.
	Removed bool

	Fingerprints []Fingerprint // of refresh tokens, oldest first, at most 64
	// Registered are those of them that a registration brought, oldest first, at
	// most 4. They outlast the others: a server that replaces refresh tokens
	// makes 64 of them in days, and a seed file is read again for years.
	Registered   []Fingerprint
	Observations []Observation // oldest first, at most 32

	// unknown are encoded fields of a newer build, kept for it.
	unknown []byte
}

// A Token is an access token.
type Token struct {
	Access    Secret
	Type      string // as published, "Bearer" where the answer had none
	Scope     string // space-separated, as granted
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: not known to end
}

// A RefreshToken is a value with the window in which it works.
type RefreshToken struct {
	Value     Secret
	FirstSeen time.Time // when this very value was issued to us
	EndsAt    time.Time // as the last response said; zero: not known to end
}

// A Person is who consented. The IDs serve to recognise them, so fingerprints
// will do; a zero one is not known.
type Person struct {
	ID          Fingerprint
	OrgID       Fingerprint
	DisplayName string
}

// A LastError is the latest refusal, cut to what helps an operator.
type LastError struct {
	At          time.Time
	Status      int    // HTTP; 0 when there was no answer
	Code        string // OAuth error code, or our own word for the failure
	Description string // at most 200 bytes, printable
	TrackingID  string // Webex support asks for it
}

// A Rejection counts identical refusals of the refresh token, the evidence
// without which no grant is given up.
type Rejection struct {
	First time.Time
	Last  time.Time
	Count uint64
}

// An Unread answer spoke of a refresh token and could not be read. It is kept
// until a refresh succeeds, at most 30 days: it may hold the only copy of a
// token that a later build, or a human, can still find.
type Unread struct {
	At   time.Time
	Body Secret
}

// A Fingerprint is the beginning of the HMAC of a refresh token under the
// store's own key.
type Fingerprint [8]byte

// An Observation records one answer's data on the refresh window.
type Observation struct {
	At          time.Time     // seconds
	EndsAt      time.Time     // seconds; zero: the answer said nothing
	AccessLife  time.Duration // seconds
	SameRefresh bool          // the value was that of the observation before
	SameAccess  bool
}

// Limits on the lists in a Record.
const (
	MaxFingerprints = 64
	MaxRegistered   = 4
	MaxObservations = 32
	MaxFallbacks    = 2
)
