package main

import (
	"strings"
	"time"
)

// unknownZone returns what is wrong with a value of TZ, which Go takes for UTC
// without a word; empty: it names a zone, or none.
func unknownZone(tz string) string {
	name := strings.TrimPrefix(tz, ":")
	if name == "" || strings.HasPrefix(name, "/") {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil {
		return err.Error()
	}
	return ""
}
