package alert

import (
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A Kind is a sort of trouble.
type Kind string

// Troubles of one grant.
const (
	Consent    Kind = "consent"    // a human must consent again, or will soon have to
	Window     Kind = "window"     // the refresh window ends
	Token      Kind = "token"      // a token ends that nobody can refresh
	Failing    Kind = "failing"    // refreshes fail, and the access token lives on
	Expired    Kind = "expired"    // the access token has expired, and no other came
	Damaged    Kind = "damaged"    // the record does not open
	Unverified Kind = "unverified" // restored from an older copy
)

// Troubles of more than one grant.
const (
	Client  Kind = "client"  // the client of an integration is refused
	Secret  Kind = "secret"  // its secret cannot be read
	Store   Kind = "store"   // the store refuses to be written
	Overdue Kind = "overdue" // refreshes do not begin
	Outputs Kind = "outputs" // files or hooks fail, so that consumers keep old tokens
	Crowd   Kind = "crowd"   // more grants are in trouble than can be told one by one
)

// ofGrants are the kinds that are looked for in each grant.
func ofGrants() []Kind { return []Kind{Consent, Window, Token, Failing, Expired, Damaged, Unverified} }

// ofMany are the others.
func ofMany() []Kind { return []Kind{Client, Secret, Store, Overdue, Outputs, Crowd} }

func (k Kind) known() bool { return k.ofGrant() || slices.Contains(ofMany(), k) }

func (k Kind) ofGrant() bool { return slices.Contains(ofGrants(), k) }

const (
	// givenUpAfter is the least time between the first refusal of a refresh
	// token and the end of its grant.
	givenUpAfter = 10 * time.Minute
	// expiredFor is how long a token has been dead when that is trouble: perhaps
	// the next attempt brings another one.
	expiredFor = 2 * time.Minute
)

// unreadable is the reason of a client whose secret is sent to nobody.
const unreadable = "client_secret_unreadable"

// holds tells whether a grant has a trouble of this kind, and how long it is, at
// least, until the worst of it: 0 when that has come.
func (k Kind) holds(g wire.Grant, now time.Time) (left time.Duration, holds bool) {
	state := store.State(g.State)
	failing := state == store.Retrying || state == store.Unknown
	switch k {
	case Consent:
		if wire.Refused(g.State, g.Reason) {
			return givenUpAfter, true
		}
		return 0, state == store.Reauthorize
	case Window, Token:
		end := k.end(g)
		if end == nil || k == Window && slides(g, now) {
			return 0, false
		}
		return max(end.Sub(now), 0), true
	case Failing:
		return 0, failing && g.Failures >= store.Tries
	case Expired:
		return 0, failing && g.AccessExpiresAt != nil && now.Sub(*g.AccessExpiresAt) >= expiredFor
	case Damaged:
		return 0, state == store.Damaged
	case Unverified:
		return 0, state == store.Unverified
	}
	return 0, false
}

// end is what a Window or a Token comes to. That of a service app needs nobody:
// its manager mints anew, and where it cannot, a Consent is told.
func (k Kind) end(g wire.Grant) *time.Time {
	kind := Window
	switch g.Kind {
	case string(config.Static):
		kind = Token
	case string(config.ServiceApp):
		return nil
	}
	if k != kind {
		return nil
	}
	return g.End()
}

// slides tells that the next refresh moves the end of the window, so that
// nobody needs to act.
func slides(g wire.Grant, now time.Time) bool {
	return g.State == string(store.OK) && g.Window == "sliding" && g.RefreshDueAt != nil &&
		g.RefreshDueAt.Before(*g.WindowEndsAt) && now.Sub(*g.RefreshDueAt) < verdict.OverdueAfter
}

// hidden tells that the state of a grant does not let a trouble of this kind be
// seen: then it is neither raised nor over. A refused refresh token, in
// particular, is no better for a refresh that failed for another reason.
func (k Kind) hidden(g wire.Grant) bool {
	switch store.State(g.State) {
	case store.Damaged:
		return k != Damaged
	case store.Unpersisted:
		return true
	case store.Reauthorize:
		return k == Window || k == Token || k == Failing || k == Expired
	case store.Unverified, store.Paused, store.Misconfigured:
		return k == Consent || k == Failing || k == Expired
	case store.Unknown, store.Retrying:
		if wire.Refused(g.State, g.Reason) {
			return k == Failing
		}
		return k == Consent
	}
	return false
}

// stage is the nearest of the times before an end that has come, 0 once the end
// has. Other kinds are told as soon as they are there, and have the stage that
// holds gave.
func (k Kind) stage(left time.Duration, before []time.Duration) (stage time.Duration, reached bool) {
	if k != Window && k != Token || left == 0 {
		return left, true
	}
	for _, d := range slices.Backward(before) {
		if left <= d {
			return d, true
		}
	}
	return 0, false
}

// Severities of a Message.
const (
	warning  = "warning"
	critical = "critical"
)

// severity is the level that the verdict gives to the same trouble: a refresh
// token that was refused is critical at once, as it is for check and the page.
func (k Kind) severity(stage time.Duration) string {
	switch k {
	case Window, Token:
		if stage > verdict.Usual().Critical {
			return warning
		}
	case Failing, Outputs, Crowd:
		return warning
	}
	return critical
}
