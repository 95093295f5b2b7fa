package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/wire"
)

// A forecast once had lines of 110 columns and dates that nothing explained.
func TestAForecastFitsTheScreenAndBeginsWithWhatIsLostFirst(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 30, 0, 0, time.Local)
	at := func(days int) *time.Time { t := now.AddDate(0, 0, days); return &t }
	f := wire.Forecast{From: now, To: now.AddDate(0, 0, 9), Until: now.AddDate(0, 0, 120), OutageSeconds: 9 * 24 * 3600, Complete: true,
		Counts: map[string]int{wire.Lost: 60, wire.Waits: 1, wire.Ends: 1, wire.Endures: 8}, Longest: &wire.WindowEnd{Grant: "lost-07", At: *at(2)}}
	for n := range 60 {
		f.Grants = append(f.Grants, wire.Prospect{Grant: fmt.Sprintf("lost-%02d-%s", n, strings.Repeat("x", 50)), Outcome: wire.Lost, At: at(60 - n), Window: "unknown", WithoutToken: 9e5})
	}
	f.Grants = append(f.Grants, wire.Prospect{Grant: "waits", Outcome: wire.Waits, At: at(-3), Window: "fixed"},
		wire.Prospect{Grant: "ends", Outcome: wire.Ends, At: at(80), Window: "fixed"})
	for n := range 8 {
		f.Grants = append(f.Grants, wire.Prospect{Grant: fmt.Sprint("good-", n), Outcome: wire.Endures, Level: "fine", Window: "sliding"})
	}
	for _, on := range []screen{{width: 80, height: 24}, {width: 120, height: 40}, {width: 80, height: 100}} {
		var drawn bytes.Buffer
		if err := drawForecast(&drawn, on, f); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(drawn.String(), "\n"), "\n")
		if len(lines) >= on.height {
			t.Errorf("%d lines on a screen of %d", len(lines), on.height)
		}
		for _, line := range lines {
			if len(line) > on.width {
				t.Errorf("%d columns on a screen of %d: %s", len(line), on.width, line)
			}
		}
		text := strings.Join(strings.Fields(drawn.String()), " ")
		for _, want := range []string{"70 grants: 60 lost, 1 waits, 1 ends, 8 survives;", "Lost first: lost-59", "on 2026-12-02,", "lost: DATE is when the outage costs the grant"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in\n%s", want, drawn.String())
			}
		}
		for outcome, shown := range map[string]bool{"waits:": on.height == 100, "ends:": on.height == 100} {
			if strings.Contains(text, outcome) != shown {
				t.Errorf("%s is explained: %t", outcome, !shown)
			}
		}
	}
}

func TestAnEmptyStatusNamesInitAndTheFileToEdit(t *testing.T) {
	if text := firstSteps("/srv/own/config.hcl"); !strings.Contains(text, " init --config /srv/own/config.hcl\n") || !strings.Contains(text, `grant "NAME" to /srv/own/config.hcl`) {
		t.Errorf("it prints %s", text)
	}
}
