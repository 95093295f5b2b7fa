package emulator

import (
	"cmp"
	"net/http"
	"time"
)

// A Config says how the emulator is to behave. The zero Config is a server on
// which one client of each kind is registered, whose refresh tokens keep their
// value and slide their window, and which is moody.
type Config struct {
	// Now is the server's clock, time.Now when nil. It rules the Date header,
	// every expiry and every instant in Calls; pauses take real time.
	Now func() time.Time
	// Seed makes everything random repeatable: client IDs, secrets, tokens,
	// moods. Two emulators with one Seed issue the same values in the same order.
	Seed uint64
	// PublicURL is the base of the URLs that the server tells about itself,
	// without a final slash. Empty: http and the Host of each request.
	PublicURL string

	// Clients are the registered applications; nil registers one of each kind.
	Clients []Client
	// RedirectURIs are registered for the clients of a nil Clients, beside the
	// usual ones of a host that tries things on loopback.
	RedirectURIs []string
	// Scopes may be asked for by the clients of a nil Clients, beside the usual ones.
	Scopes []string

	// AccessLife and RefreshLife replace the lives of every kind, Lives those of
	// single ones. Zero durations leave what Webex documents (see Kind). Lives
	// are told in whole seconds, so a second is the shortest that makes sense.
	AccessLife  time.Duration
	RefreshLife time.Duration
	Lives       map[Kind]Life

	// Window rules whether a refresh prolongs the life of the refresh token.
	Window Window
	// Rotate gives every refresh a new refresh token. Webex keeps the value.
	Rotate bool
	// Grace is how long a refresh token works on after it was used, with Rotate.
	// It brings the same successor again. Only the token before the current one
	// has a grace.
	Grace time.Duration
	// EndOnReuse ends the grant when a used refresh token comes after its grace,
	// as servers with replay detection do.
	EndOnReuse bool
	// SameOnConsent answers a second consent of one person for one client with
	// the refresh token of the first and what is left of its life, as samples of
	// the Webex device flow show.
	SameOnConsent bool

	// StrictMeetings refuses a Meetings refresh without the redirect_uri and
	// code_verifier of the consent.
	StrictMeetings bool
	// BareSite issues Meetings refresh tokens without the site name, yet wants
	// "<site>_" before them on refresh. Otherwise they are issued with it.
	BareSite bool

	// TokenLimit is the number of live access tokens above which an account gets
	// tokenlimit_reached. Zero: tokens are counted and never refused. Webex: 750.
	TokenLimit int
	// Errors is the shape of refusals at the token endpoints.
	Errors Shape
	// DeadStatus is the status for a refresh token that does not work, 400 when
	// zero. Both 400 and 401 are reported of Webex.
	DeadStatus int

	// AccessSize is the length of access tokens in bytes, reached to the next
	// multiple of 8 above 98, which is the size of the real opaque ones.
	AccessSize int
	// JWT issues access tokens of the self-contained form, about 1.6 KB, whose
	// payload tells the expiry. AccessSize does not count then.
	JWT bool
	// Issuer, when set, stands as iss in every redirect to a client (RFC 9207).
	Issuer string

	// Latency is the pause before every answer.
	Latency time.Duration
	// Calm turns off every misbehaviour that was not scripted.
	Calm bool
	// Mischief replaces the usual moods; nil means those of DefaultMischief.
	Mischief *Mischief

	// Play answers all refreshes in an odd way, see Plays; empty: in none.
	Play string

	// KeepCalls is how many of the latest calls Calls returns: 65,536 when zero,
	// none when negative.
	KeepCalls int
}

// A Window is what a refresh does to the life of the refresh token. About Webex
// its own documents and logs contradict each other.
type Window int

const (
	// Sliding: every refresh starts the whole life anew.
	Sliding Window = iota
	// Fixed: the end set at consent stays, whatever is refreshed or rotated.
	Fixed
)

const usualCalls = 1 << 16

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Clients == nil {
		c.Clients = usualClients(c.Seed, c.RedirectURIs, c.Scopes)
	}
	if c.Mischief == nil {
		usual := DefaultMischief()
		c.Mischief = &usual
	}
	if c.Calm {
		c.Mischief = &Mischief{}
	}
	c.DeadStatus = cmp.Or(c.DeadStatus, http.StatusBadRequest)
	c.KeepCalls = max(cmp.Or(c.KeepCalls, usualCalls), 0)
	return c
}

// life combines what was configured for the kind with what Webex documents.
func (c Config) life(k Kind) Life {
	documented, own := k.life(), c.Lives[k]
	return Life{
		Access:  cmp.Or(own.Access, c.AccessLife, documented.Access),
		Refresh: cmp.Or(own.Refresh, c.RefreshLife, documented.Refresh),
	}
}
