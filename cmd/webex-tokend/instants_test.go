package main

import (
	"testing"
	"time"
)

func TestSpansHaveTheirTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "0s",
		900 * time.Millisecond:          "0s",
		45 * time.Second:                "45s",
		time.Minute:                     "1m",
		4*time.Minute + 10*time.Second:  "4m 10s",
		59*time.Minute + 59*time.Second: "59m",
		2*time.Hour + 5*time.Minute:     "2h 5m",
		day:                             "1d",
		day + 59*time.Minute:            "1d",
		13*day + 4*time.Hour:            "13d 4h",
		400 * day:                       "400d",
		-(2*time.Hour + 5*time.Minute):  "2h 5m",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
}
