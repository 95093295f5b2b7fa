package provider

import (
	"time"

	"webex-tokend/daemon/answer"
)

// leastAccessLife stands for an expires_in of zero or less: the token came
// just now, so it is hardly over, and a loop of refreshes must not follow.
const leastAccessLife = time.Minute

// A number of seconds since 1970 between these, from 2015 to 2050, is an instant
// also under a name for a life: as a life it would be decades.
const (
	leastInstant = 1_420_070_400
	mostInstant  = 2_524_608_000
)

// meansInstant reports that a number under a name for a life is an instant.
func meansInstant(at time.Time) bool { return at.Unix() >= leastInstant && at.Unix() <= mostInstant }

// accessLives are the names under which servers say how long an access token
// lives or when it ends, the likeliest first; names that differ in case and
// separators are the same.
func accessLives() []string {
	return []string{"expires_in", "expire_in", "access_token_expires_in", "access_expires_in", "expires_at", "expires_on",
		"access_token_expires_at", "expires", "expiry", "expiration", "expire_time"}
}

// refreshLives are those of refresh tokens: of Webex, Google and GitHub; of
// Keycloak and TikTok; of Intuit; of Pinterest; and of others.
func refreshLives() []string {
	return []string{"refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in", "refresh_expire_in", "re_expires_in",
		"refresh_token_expires_at", "refresh_expires_at", "refresh_token_expires_on", "refresh_token_expires", "refresh_expires",
		"refresh_token_expiration", "refresh_token_expiry", "refresh_token_expire_time", "refresh_token_valid_time",
		"refresh_token_lifetime", "refresh_token_ttl", "refresh_token_validity", "rt_expires_in"}
}

// A span has the life of something, or its end. Out of range, it is
// doubtful.
type span struct {
	life     time.Duration
	end      time.Time
	doubtful bool
}

func (a *Answer) readLives(o answer.Object, longest time.Duration, note func(string)) {
	s := spanOf(o, accessLives(), longest, note)
	if s.doubtful && s.life == 0 {
		s.life = leastAccessLife
	}
	a.AccessLife, a.AccessEnd, a.Doubtful = s.life, s.end, s.doubtful
	s = spanOf(o, refreshLives(), longest, note)
	if inner, nested := o.Inner("refresh_token"); s == (span{}) && nested {
		s = spanOf(inner, append(refreshLives(), accessLives()...), longest, note)
	}
	if s.doubtful { // a window that nobody believes is none that the answer said
		s.life = 0
	}
	a.RefreshLife, a.RefreshEnd = s.life, s.end
}

// spanOf reads the first of these members that says something: a number of
// seconds, also as a text or with a unit, or an instant in the forms of
// answer.ParseInstant.
func spanOf(o answer.Object, names []string, longest time.Duration, note func(string)) (s span) {
	for _, name := range names {
		if !o.Has(name) {
			continue
		}
		seconds, ok := o.Number(name)
		if !ok {
			text, _ := o.Text(name)
			seconds, ok = secondsOf(text)
		}
		end, isInstant := o.Instant(name)
		switch {
		case isInstant && (!ok || seconds >= leastInstant && meansInstant(end)):
			if ok && name == "expires_in" {
				note(name + " is an instant")
			}
			return span{end: end}
		case !ok:
			note(name + " is not a number")
		case seconds <= 0:
			note(name + " is not above zero")
			return span{doubtful: true}
		case seconds > longest.Seconds():
			note(name + " is too large")
			return span{life: longest, doubtful: true}
		default:
			return span{life: max(time.Duration(seconds*float64(time.Second)), time.Second)}
		}
	}
	return s
}

// oldInstant is how far back an instant may lie and still be one that a clock
// set wrong made; beyond it, it is nonsense, such as a life in milliseconds.
const oldInstant = 24 * time.Hour

// bound takes instants out of range for what they are, at the time of the
// answer: by the server's clock, where it told one.
func (a *Answer) bound(now time.Time) {
	if !a.Date.IsZero() {
		now = a.Date
	}
	switch end := a.AccessEnd; {
	case end.IsZero():
	case end.After(now.Add(longestLife)):
		a.AccessEnd, a.AccessLife, a.Doubtful = time.Time{}, longestLife, true
		a.Notes = append(a.Notes, "expires_in is too large")
	case end.Before(now.Add(-oldInstant)):
		a.AccessEnd, a.AccessLife, a.Doubtful = time.Time{}, 0, true
		a.Notes = append(a.Notes, "expires_in is an instant long past")
	case !end.After(now):
		a.AccessEnd, a.AccessLife, a.Doubtful = time.Time{}, leastAccessLife, true
		a.Notes = append(a.Notes, "expires_in is an instant that is past")
	}
	if end := a.RefreshEnd; !end.IsZero() && (!end.After(now) || end.After(now.Add(longestLife))) {
		a.RefreshEnd = time.Time{}
		a.Notes = append(a.Notes, "the end of the refresh token is out of range")
	}
}
