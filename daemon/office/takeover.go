package office

import (
	"strings"
	"time"
)

// The times of the protocol. All spans are measured by the boot clock of one
// host; the clocks of two hosts are never compared.
const (
	// Departs is how old an intent may be when its request departs.
	Departs = 10 * time.Second
	// life is how long a session outlives the last sign of its process, keep how
	// often there is one, acts how long after the sending of one that was
	// answered the process may still act.
	life = 15 * time.Second
	keep = 5 * time.Second
	acts = 10 * time.Second
	// Rest is how long the intent of a host that has gone must have been seen
	// unchanged: it may have departed that late (10 s), been sent for 30 s of
	// running time, lain in a send buffer for 30 s; and 5 s.
	Rest = Departs + 30*time.Second + 30*time.Second + 5*time.Second
)

// A Claim describes an open intent of another process.
type Claim struct {
	Owner string // HOST/INCARNATION
	Seen  time.Duration
	// Rotates: the server gives a new refresh token for each one sent, and takes
	// the second sending of one for theft.
	Rotates bool
	// IssuedAt and ExpiresAt are those of the access token in the record.
	IssuedAt, ExpiresAt time.Time
}

// Members are the hosts as this one knows them.
type Members struct {
	Present   map[string]bool // HOST/INCARNATION
	Forgotten func(host string) bool
}

// HostOf returns the host of a member.
func HostOf(member string) string {
	host, _, _ := strings.Cut(member, "/")
	return host
}

func (m Members) back(host string) bool {
	for member := range m.Present {
		if HostOf(member) == host {
			return true
		}
	}
	return false
}

// MayTake reports whether the host in office may send a refresh token once more
// of which another process has made an intent. boot is the present instant by the
// clock that Claim.Seen is of, now the same by the wall clock.
//
// The process must have gone, and long enough for its request to be over. Where
// the server replaces refresh tokens its answer may still lie on the disk of the
// host that has gone, so there is time until the grant is about to expire; that
// host comes back with an empty spool, or is never to come back.
func MayTake(c Claim, m Members, boot time.Duration, now time.Time) bool {
	switch {
	case m.Present[c.Owner], boot-c.Seen < Rest:
		return false
	case !c.Rotates:
		return true
	case m.back(HostOf(c.Owner)), m.Forgotten(HostOf(c.Owner)):
		return true
	}
	return !c.ExpiresAt.IsZero() && !now.Before(latest(c.IssuedAt, c.ExpiresAt))
}

// latest is the instant at which a grant can wait no longer.
func latest(issued, expires time.Time) time.Time {
	return expires.Add(-max(15*time.Minute, expires.Sub(issued)/10))
}
