package provider

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
)

// Bounds of a Retry-After that is believed.
const (
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// retryAfter reads the header of RFC 9110 section 10.2.3: seconds, or a date,
// which is taken by the server's own clock where it tells one. Servers also send
// fractions, units, and dates in other forms, and proxies double the header, as
// a second line or behind a comma: the longest pause counts. Zero means that
// nothing usable was said; Webex has been seen to send "rand(30),add(30)", and 0
// with a 429.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if date := dateOf(h); !date.IsZero() {
		now = date
	}
	var longest time.Duration
	for _, text := range h.Values("Retry-After") {
		longest = max(longest, pauseOf(text, now))
		for part := range strings.SplitSeq(text, ",") {
			longest = max(longest, pauseOf(part, now))
		}
		// A date has a comma of its own: two of them have three.
		if parts := strings.Split(text, ","); len(parts) == 4 {
			longest = max(longest, pauseOf(parts[0]+","+parts[1], now), pauseOf(parts[2]+","+parts[3], now))
		}
	}
	return longest
}

func pauseOf(text string, now time.Time) time.Duration {
	text = strings.Trim(strings.TrimSpace(text), `"`)
	if seconds, ok := secondsOf(text); ok && seconds < leastInstant {
		if seconds < 0 {
			return 0
		}
		return clampRetryAfter(time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second)))
	}
	if at, ok := answer.ParseInstant(text); ok {
		return clampRetryAfter(at.Sub(now))
	}
	if text != "" && strings.Trim(text, "0123456789") == "" { // more than any instant
		return maxRetryAfter
	}
	return 0
}

func clampRetryAfter(d time.Duration) time.Duration {
	return min(max(d, minRetryAfter), maxRetryAfter)
}

// secondsOf reads a number of seconds, or one with a unit behind it: "1.5",
// "30s", "2 minutes", "500ms".
func secondsOf(text string) (seconds float64, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	end := strings.LastIndexAny(text, "0123456789.") + 1
	n, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		return 0, false
	}
	switch strings.TrimSuffix(strings.TrimSpace(text[end:]), ".") {
	case "", "s", "sec", "secs", "second", "seconds":
		return n, true
	case "m", "min", "mins", "minute", "minutes":
		return 60 * n, true
	case "h", "hr", "hrs", "hour", "hours":
		return 3600 * n, true
	case "d", "day", "days":
		return 86400 * n, true
	case "ms", "msec", "millisecond", "milliseconds":
		return n / 1000, true
	}
	return 0, false
}
