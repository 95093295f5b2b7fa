package duration_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/duration"
)

const day = 24 * time.Hour

func TestDurationsTakeDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"14d": 14 * day, "1d12h": 36 * time.Hour, "0d": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute,
	} {
		if got, err := duration.Parse(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "14", "-1h", "1d-1h", "1d+1h", "+1h", "12h1d", "1.5d", "1dd", "9999999999d", "106751d23h59m", "1 d", "1w"} {
		if got, err := duration.Parse(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestAPrintedDurationIsReadAgainAsTheSame(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", time.Hour: "1h", 36 * time.Hour: "1d12h", 14 * day: "14d", day + time.Second: "1d1s",
		20 * time.Minute: "20m", 10*time.Hour + 10*time.Minute: "10h10m", time.Hour + 5*time.Second: "1h0m5s",
	} {
		text := duration.Format(d)
		again, err := duration.Parse(text)
		if text != want || err != nil || again != d {
			t.Errorf("%v: got %s, again %v, %v", d, text, again, err)
		}
	}
}
