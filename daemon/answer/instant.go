package answer

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// latest is the last instant that is believed, the end of the year 9999.
const latest = 253402300799

// ParseInstant reads a point in time as programs write it; without a zone it is
// in UTC, as the token files of scripts are meant:
//
//	2026-12-06T01:07:05Z, with a space for the T, an offset with or without its
//	colon, "UTC" or "GMT", without seconds
//	20261206T010705Z
//	Sun, 06 Dec 2026 01:07:05 GMT, and the other two forms of RFC 9110
//	2026-12-06 01:07:05.133 +0000 UTC m=+0.01      Go
//	Sun Dec 06 2026 01:07:05 GMT+0000 (UTC)        JavaScript
//	Sun Dec  6 01:07:05 UTC 2026                   date
//	/Date(1796519225133)/                          .NET
//	a number of seconds, milliseconds, microseconds or nanoseconds since 1970,
//	told apart by their size
//
// Forms in which day and month can be mistaken for each other are not read.
func ParseInstant(text string) (at time.Time, ok bool) {
	text = strings.TrimSpace(text)
	if inner, found := strings.CutPrefix(text, "/Date("); found {
		inner, found = strings.CutSuffix(inner, ")/")
		// An offset behind the number is for show: the number is in UTC.
		if i := strings.LastIndexAny(inner, "+-"); i > 0 {
			inner = inner[:i]
		}
		if ms, err := strconv.ParseInt(inner, 10, 64); found && err == nil {
			return believed(time.UnixMilli(ms))
		}
		return time.Time{}, false
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return sinceEpoch(n)
	}
	// The reading of a monotonic clock, and the name of a zone in words.
	text, _, _ = strings.Cut(text, " m=")
	text, _, _ = strings.Cut(text, " (")
	for _, layout := range instantLayouts() {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		// Of a zone that it knows by name alone the parser makes UTC.
		if zone, offset := at.Zone(); offset == 0 && zone != "" && zone != "UTC" && zone != "GMT" && !strings.Contains(layout, "0700") {
			return time.Time{}, false
		}
		return believed(at)
	}
	return time.Time{}, false
}

func believed(at time.Time) (time.Time, bool) {
	return at.UTC(), at.Unix() > 0 && at.Unix() <= latest
}

func sinceEpoch(n float64) (time.Time, bool) {
	for n > 1e11 && n < 1e20 { // in seconds that would be the year 5138
		n /= 1000
	}
	if !(n > 0 && n <= latest) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(n * 1000))).UTC(), true
}

// instantLayouts lists the forms of ParseInstant. A fraction of a second is read
// behind any of them, without standing here.
func instantLayouts() []string {
	layouts := make([]string, 0, 48)
	for _, day := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "20060102T150405"} {
		for _, zone := range []string{"Z07:00", "Z0700", "Z07", " Z07:00", " -0700", " MST", " -0700 MST", ""} {
			layouts = append(layouts, day+zone)
		}
	}
	return append(layouts,
		time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", time.RFC850, time.ANSIC, time.UnixDate,
		"Mon Jan 02 2006 15:04:05 GMT-0700", "Mon Jan 2 2006 15:04:05 GMT-0700")
}
