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
	Failing    Kind = "failing"    // refreshes fail
	Expired    Kind = "expired"    // the access token has expired, and no other came
	Damaged    Kind = "damaged"    // the record does not open
	Unverified Kind = "unverified" // restored from an older copy
)

// Troubles of more than one grant.
const (
	Client  Kind = "client"  // the client of an integration is refused
	Secret  Kind = "secret"  // its secret cannot be read
	Store   Kind = "store"   // the store refuses to be written
	Disk    Kind = "disk"    // its disk may soon have no room
	Overdue Kind = "overdue" // refreshes do not begin
	Outputs Kind = "outputs" // files or hooks fail, so that consumers keep old tokens
	Pending Kind = "pending" // declared grants wait too long for their first tokens
	Crowd   Kind = "crowd"   // more grants are in trouble than can be told one by one
)

// Troubles of hosts that share a store.
const (
	Hosts Kind = "hosts" // no host can refresh: etcd is away or full, or none is in office
	Etcd  Kind = "etcd"  // that may come soon
	Host  Kind = "host"  // one is away, or not as the others are
)

// ofGrants are the kinds that are looked for in each grant.
func ofGrants() []Kind { return []Kind{Consent, Window, Token, Failing, Expired, Damaged, Unverified} }

// ofMany are the others.
func ofMany() []Kind {
	return []Kind{Client, Secret, Store, Disk, Overdue, Outputs, Pending, Crowd, Hosts, Etcd, Host}
}

func (k Kind) ofHosts() bool { return k == Hosts || k == Etcd || k == Host }

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

// holds reports whether a grant has a trouble of this kind, by what its verdict
// goes by, and how long it is, at least, until the worst of it: 0 when that has
// come.
func (k Kind) holds(g wire.Grant, now time.Time) (left time.Duration, holds bool) {
	s := verdict.Shown(g)
	switch k {
	case Consent:
		if s.Refused {
			return givenUpAfter, true
		}
		return 0, s.State == store.Reauthorize
	case Window, Token:
		return max(s.EndsAt.Sub(now), 0), k.ends(g) && s.EndCounts()
	case Failing:
		return 0, s.FailsOften()
	case Expired:
		return 0, s.Dead(now.Add(-expiredFor))
	case Damaged:
		return 0, s.State == store.Damaged
	case Unverified:
		return 0, s.State == store.Unverified
	}
	return 0, false
}

// ends reports whether the end of a grant is told under this kind.
func (k Kind) ends(g wire.Grant) bool { return k == Token == (g.Kind == string(config.Static)) }

// heals reports whether the next refresh of a grant may end a trouble of this
// kind, so that there is none before the sweep has had its turn.
func (k Kind) heals(g wire.Grant) bool {
	switch k {
	case Expired, Failing:
		return g.State != string(store.Paused)
	case Consent:
		return g.Manager != ""
	case Window:
		return g.Manager != "" || g.Window == string(store.Sliding)
	}
	return false
}

// hidden reports whether the state of a grant does not let a trouble of this kind
// be seen: then it is neither raised nor over. A refused refresh token, in
// particular, is no better for a pause.
func (k Kind) hidden(g wire.Grant) bool {
	switch store.State(g.State) {
	case store.Damaged:
		return k != Damaged
	case store.Unpersisted:
		return true
	case store.Reauthorize:
		return k == Window || k == Token || k == Failing || k == Expired
	case store.Unverified, store.Misconfigured:
		return k == Consent || k == Failing || k == Expired
	case store.Paused:
		return k == Consent || k == Failing
	case store.Unknown, store.Retrying:
		return k == Failing && wire.Refused(g.State, g.Reason)
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

// cause is what the verdict calls a trouble of this kind that has come to a stage.
func (k Kind) cause(stage time.Duration) verdict.Cause {
	switch k {
	case Consent:
		if stage > 0 {
			return verdict.Rejected
		}
		return verdict.Reauthorize
	case Window, Token:
		if stage > verdict.Usual().Critical {
			return verdict.EndingSoon
		}
		return verdict.Ending
	case Failing:
		return verdict.Failing
	case Expired:
		return verdict.Expired
	case Damaged:
		return verdict.Damaged
	case Unverified:
		return verdict.Unverified
	case Client, Secret:
		return verdict.Misconfigured
	case Store:
		return verdict.Unpersisted
	case Overdue:
		return verdict.Overdue
	case Outputs:
		return verdict.Outputs
	case Pending:
		return verdict.Unregistered
	}
	return verdict.None
}

// severity is the level that the verdict gives to the same trouble: warning or
// critical. Each grant of a crowd has its own in the list, and little room hurts
// none yet, nor does a host that is away.
func (k Kind) severity(stage time.Duration) string {
	switch k {
	case Hosts:
		return string(verdict.Critical)
	case Crowd, Disk, Etcd, Host:
		return string(verdict.Warning)
	}
	return string(k.cause(stage).Level())
}
