package provider

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of a Retry-After that is believed.
const (
	minRetryAfter = time.Second
	maxRetryAfter = time.Hour
)

// retryAfter reads the header of RFC 9110 section 10.2.3: seconds, or a date,
// which is taken by the server's own clock where it tells one. Zero means
// that nothing usable was said; Webex has been seen to send
// "rand(30),add(30)", and 0 with a 429.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 32)
		if err != nil { // too large for 32 bits
			return maxRetryAfter
		}
		return clampRetryAfter(time.Duration(seconds) * time.Second)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date := dateOf(h); !date.IsZero() {
		now = date
	}
	return clampRetryAfter(at.Sub(now))
}

func clampRetryAfter(d time.Duration) time.Duration {
	return min(max(d, minRetryAfter), maxRetryAfter)
}
