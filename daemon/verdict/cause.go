package verdict

import "time"

// A Level says what a grant asks of people.
type Level string

const (
	Critical Level = "critical" // somebody is needed now
	Warning  Level = "warning"  // somebody is needed soon, or should look
	Working  Level = "working"  // the daemon is at it
	Fine     Level = "fine"
)

// Levels lists them, the most urgent first.
func Levels() []Level { return []Level{Critical, Warning, Working, Fine} }

// Rank orders levels by urgency; 0 is Fine.
func (l Level) Rank() int {
	return map[Level]int{Critical: 3, Warning: 2, Working: 1}[l]
}

// A Cause is the most urgent thing that is so of a grant. Causes are numbered
// in the order of a list by urgency.
type Cause int

const (
	Damaged       Cause = iota // the record does not open
	Unpersisted                // an answer is in memory alone
	Unverified                 // restored from an older copy
	Reauthorize                // a human must consent again
	Misconfigured              // the client is refused
	Rejected                   // the refresh token is refused, and tried again
	Expired                    // the access token has expired
	Overdue                    // the refresh should have begun, by far
	Ending                     // the end is near, and no refresh moves it
	EndingSoon                 // the same, within weeks
	Unresolved                 // the outcome of a refresh is unknown
	Failing                    // refreshes fail again and again
	Unregistered               // declared a while ago, and nothing came
	Outputs                    // a file or hook fails, so that consumers keep old tokens
	Resting                    // paused, or no longer declared
	Retrying                   // the last try failed
	Awaited                    // declared just now
	None
)

// Level of a grant for which this is the cause.
func (c Cause) Level() Level {
	switch {
	case c <= Ending:
		return Critical
	case c <= Resting:
		return Warning
	case c <= Awaited:
		return Working
	}
	return Fine
}

// OverdueAfter is how late a refresh may begin before it counts as overdue.
const OverdueAfter = 5 * time.Minute

// UnregisteredAfter is how long a declared grant may wait for its first tokens
// and nobody minds.
const UnregisteredAfter = time.Hour

// UnmintedAfter is the same for a service app, which waits for no person.
const UnmintedAfter = 3 * time.Minute

// Limits say how near an end is critical, and from when on it is a warning.
type Limits struct{ Critical, Warning time.Duration }

// Usual returns the limits that hold wherever nobody gives others.
func Usual() Limits { return Limits{Critical: 3 * day, Warning: 14 * day} }

const day = 24 * time.Hour
