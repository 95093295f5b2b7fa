package schedule

import (
	"strconv"
	"time"
)

const (
	firstPause   = time.Minute
	longestPause = time.Hour
	// expiredPause bounds the pause once nobody has a working token any more.
	expiredPause = 10 * time.Minute
	// leastPause is the floor where MinInterval is longer.
	leastPause = 30 * time.Second
	// evidencePause parts the refusals of a refresh token, so that the three
	// which prove something lie ten minutes apart in all.
	evidencePause = 5 * time.Minute
	// exhaustedPause follows "too many access tokens": the account is freed by
	// tokens that expire or by a human, not by us asking.
	exhaustedPause = time.Hour
)

// A Setback is a refresh that failed.
type Setback struct {
	Name string
	// Failures in a row, this one included: 1 and up.
	Failures uint64
	At       time.Time
	// ExpiresAt is the end of the access token in use; zero: there is none.
	ExpiresAt time.Time
	// RetryAfter is the wait that the endpoint asked for, a floor.
	RetryAfter time.Duration
}

// Backoff returns when to try again: a minute, doubling up to an hour, but at
// least twenty tries in what is left of the access token; ±20 % by a hash, so
// that a fleet that failed together does not come back together.
func Backoff(s Setback, r Rule) time.Time {
	pause := longestPause
	if n := s.Failures - 1; n < 6 {
		pause = firstPause << n
	}
	if left := s.ExpiresAt.Sub(s.At); left > 0 {
		pause = min(pause, left/20)
	} else {
		pause = min(pause, expiredPause)
	}
	pause = max(pause, min(leastPause, r.MinInterval))
	pause = part(pause, 1+0.2*noise(s.Name+strconv.FormatUint(s.Failures, 10)))
	return s.At.Add(max(pause, s.RetryAfter))
}

// AfterRejection returns when to ask again after the refresh token was refused.
func AfterRejection(s Setback, r Rule) time.Time {
	return s.at(max(evidencePause, r.MinInterval))
}

// AfterExhaustion returns when to ask again after the account was said to hold
// too many access tokens.
func AfterExhaustion(s Setback, r Rule) time.Time {
	return s.at(max(exhaustedPause, r.MinInterval))
}

// at is the instant after a pause that is up to a tenth longer, by a hash.
func (s Setback) at(pause time.Duration) time.Time {
	pause = part(pause, 1.05+0.05*noise(s.Name))
	return s.At.Add(max(pause, s.RetryAfter))
}
