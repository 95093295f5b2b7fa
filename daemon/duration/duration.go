// Package duration reads and writes durations that may have days, and waits them
// out.
package duration

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseLife reads how long a token has to be good for: a duration, or a bare
// number of seconds as OAuth counts them. An empty text is 0.
func ParseLife(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if seconds, err := strconv.ParseUint(s, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	return Parse(s)
}

// Parse reads what time.ParseDuration reads, and days of 24 hours in
// front of it: "14d", "1d12h", "90s". Negative durations are an error.
func Parse(s string) (time.Duration, error) {
	bad := fmt.Errorf(`%q is no duration; write it like "90s", "12h" or "14d"`, s)
	var days time.Duration
	if whole, rest, found := strings.Cut(s, "d"); found {
		n, err := strconv.ParseUint(whole, 10, 32)
		if err != nil || n > math.MaxInt64/uint64(day)/2 {
			return 0, bad
		}
		days = time.Duration(n) * day
		if rest == "" {
			return days, nil
		}
		s = rest
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") || days+d < 0 {
		return 0, bad
	}
	return days + d, nil
}

// Format writes days where there are whole ones, and no zero units:
// "14d", "1d12h", "1m30s".
func Format(d time.Duration) string {
	days, rest := d/day, d%day
	s := rest.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	switch {
	case days == 0:
		return s
	case rest == 0:
		return fmt.Sprintf("%dd", days)
	}
	return fmt.Sprintf("%dd%s", days, s)
}
