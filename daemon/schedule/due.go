// Package schedule decides when a refresh starts: the due time, the way back
// after failures, the patience that an endpoint asks for. Everything but
// Endpoint is a pure function of its arguments.
package schedule

import (
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	day = 24 * time.Hour
	// fractions of a token's life after which it is due by default.
	longLived  = 0.50 // a day and more
	shortLived = 0.66
	// spread is how far a fraction is moved at most, either way, so that grants
	// registered together do not fall due together for ever.
	spread = 0.05
)

// A Rule says when an access token is renewed.
type Rule struct {
	// Fraction of the life after which it is due; 0 and no Before: by default.
	Fraction float64
	// Before is a distance to the expiry, instead of a Fraction.
	Before time.Duration
	// Calendar restricts refreshes to certain instants; nil: none.
	Calendar cron.Schedule
	// MinInterval lies at least between two requests for one grant.
	MinInterval time.Duration
}

// A Life is the span of an access token and of the window in which it can be
// renewed.
type Life struct {
	IssuedAt     time.Time
	ExpiresAt    time.Time // zero: the token does not end
	WindowEndsAt time.Time // zero: not known to end
}

func (l Life) span() time.Duration { return l.ExpiresAt.Sub(l.IssuedAt) }

// reserve is how long before the end of the window the last refresh is.
func (l Life) reserve() time.Duration { return min(day, l.span()/10) }

// withinWindow moves an instant before the window's end: a refresh after that
// would come too late. The last one goes to its end but for a tenth of the life,
// a day at most; where that has passed, nothing we do comes in time.
func (l Life) withinWindow(at, now time.Time) time.Time {
	last := l.WindowEndsAt.Add(-l.reserve())
	if !l.WindowEndsAt.IsZero() && last.After(now) && at.After(last) {
		return last
	}
	return at
}

// LongLived tells tokens that live a day or more: for them the budget is one
// refresh a day, since Webex accounts hold 750 access tokens at most and
// beyond that nobody can log in (Webex FAQ).
func LongLived(life time.Duration) bool { return life >= day }

// Due returns when the next refresh of a grant starts; zero means never. The
// same arguments give the same instant, in whole milliseconds as it is stored.
func Due(name string, l Life, r Rule) time.Time {
	if l.ExpiresAt.IsZero() {
		return time.Time{}
	}
	due := l.withinWindow(wish(name, l, r), l.IssuedAt)
	if r.Calendar != nil {
		due = l.withinWindow(onCalendar(due, l, r.Calendar), l.IssuedAt)
	}
	if earliest := l.IssuedAt.Add(r.MinInterval); due.Before(earliest) {
		due = earliest
	}
	return due.Truncate(time.Millisecond)
}

// wish is the due time by fraction or distance alone.
func wish(name string, l Life, r Rule) time.Time {
	if r.Before > 0 && r.Before < l.span() {
		return l.ExpiresAt.Add(-r.Before)
	}
	at := r.fraction(l.span())
	if r.Before > 0 {
		// So long before the expiry lies before the issue.
		at = longLived
	}
	return l.IssuedAt.Add(part(l.span(), at*(1+spread*noise(name))))
}

func (r Rule) fraction(life time.Duration) float64 {
	switch {
	case r.Fraction > 0:
		return r.Fraction
	case LongLived(life):
		return longLived
	}
	return shortLived
}

// onCalendar returns the first instant of the calendar that is not before due
// and leaves a tenth of the life, 15 minutes at least, for retries; where there
// is none, the last moment that leaves as much.
func onCalendar(due time.Time, l Life, calendar cron.Schedule) time.Time {
	latest := l.ExpiresAt.Add(-max(15*time.Minute, l.span()/10))
	if latest.Before(due) {
		return due
	}
	// Next is exclusive and counts in whole seconds; calendars mean host time.
	next := calendar.Next(due.Add(-time.Second).Local())
	if next.IsZero() || next.After(latest) {
		return latest
	}
	return next.UTC()
}

// NoGain returns when to try again after an answer that brought the same token
// or one that ends no later. It is no failure, and must not become a loop.
func NoGain(now time.Time, l Life, r Rule) time.Time {
	left := l.ExpiresAt.Sub(now)
	pause := r.MinInterval
	if LongLived(l.span()) {
		pause = day
	}
	pause = max(pause, part(left, r.fraction(l.span())))
	next := now.Add(pause)
	if last := l.ExpiresAt.Add(-l.span() / 10); next.After(last) {
		next = last
	}
	next = l.withinWindow(next, now)
	// The refresh that was to be the last one of the window was in vain: what is left
	// of the window takes two more.
	for reserve, tries := l.reserve()/2, 2; tries > 0; reserve, tries = reserve/2, tries-1 {
		if last := l.WindowEndsAt.Add(-reserve); last.After(now) && next.After(last) {
			next = last
			break
		}
	}
	if earliest := now.Add(r.MinInterval); next.Before(earliest) {
		next = earliest
	}
	return next
}

// Spread returns an instant within a while after now that belongs to the name,
// for grants that would all fall due at once.
func Spread(name string, now time.Time, while time.Duration) time.Time {
	return now.Add(part(while, (1+noise(name))/2)).Truncate(time.Millisecond)
}

func part(d time.Duration, of float64) time.Duration { return time.Duration(float64(d) * of) }

// noise is a number in [-1, 1] that belongs to the text.
func noise(text string) float64 {
	h := fnv.New32a()
	h.Write([]byte(text))
	// FNV's high bits hardly change with the last letter: mix them.
	x := h.Sum32()
	x ^= x >> 16
	x *= 0x85ebca6b
	x ^= x >> 13
	x *= 0xc2b2ae35
	x ^= x >> 16
	return float64(x)/float64(1<<32-1)*2 - 1
}
