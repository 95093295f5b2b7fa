package emulator_test

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

// moods refreshes one grant many times and counts what came of it.
func moods(t *testing.T, cfg emulator.Config, times int) (map[string]int, *emulator.Emulator) {
	t.Helper()
	e := emulator.New(cfg)
	issued := e.Issue(emulator.REST, emulator.Consent{})
	counts, last := map[string]int{}, issued.AccessToken
	for range times {
		got := refresh(t, e, emulator.REST, issued.RefreshToken)
		token := got.text("access_token")
		switch {
		case got.status == 200 && got.body == "":
			counts["empty"]++
		case got.status == 200 && token == last:
			counts["same"]++
		case got.status == 200:
			counts["good"]++
			last = token
		case got.status == 429:
			counts["limited"]++
			counts["after "+got.header.Get("Retry-After")]++
		case got.status >= 500:
			counts["failing"]++
		default:
			t.Fatalf("unexpected answer %d %s", got.status, got.body)
		}
		if got.status >= 400 && got.body == "" {
			counts["silent"]++
		}
	}
	want(t, "the refresh token works after all", e.Valid(issued.RefreshToken), true)
	return counts, e
}

func TestMoodsComeAsOftenAsConfigured(t *testing.T) {
	const times = 4000
	usual := emulator.DefaultMischief()
	for _, seed := range []uint64{0, 1} {
		counts, e := moods(t, emulator.Config{Seed: seed}, times)
		for mood, share := range map[string]float64{
			"limited": usual.Limited, "failing": usual.Failing, "empty": usual.Empty, "same": usual.SameToken,
		} {
			// Five standard deviations: a fixed seed makes it certain, any other
			// seed would pass as well.
			mean := share * times
			if got := float64(counts[mood]); math.Abs(got-mean) > 5*math.Sqrt(mean) {
				t.Errorf("seed %d: %s came %v times of %d, want about %v", seed, mood, got, times, mean)
			}
		}
		if counts["silent"] == 0 || counts["silent"] >= counts["limited"]+counts["failing"] {
			t.Errorf("seed %d: %d of the errors have no body, want some", seed, counts["silent"])
		}
		for _, value := range []string{"", "0", "rand(30),add(30)", "1", "2"} {
			if counts["after "+value] == 0 {
				t.Errorf("seed %d: Retry-After %q never came", seed, value)
			}
		}
		stats := e.Stats()
		want(t, "limited", stats.Limited, uint64(counts["limited"]))
		want(t, "failing", stats.Failed, uint64(counts["failing"]))
		want(t, "same", stats.SameToken, uint64(counts["same"]))
		want(t, "refreshes", stats.Refreshes, uint64(counts["same"]+counts["good"]))
		want(t, "issued", stats.AccessIssued, uint64(counts["good"]+1))
	}
}

func TestACalmServerDoesWhatItIsAsked(t *testing.T) {
	counts, _ := moods(t, emulator.Config{Calm: true, Mischief: &emulator.Mischief{Failing: 1}}, 500)
	want(t, "good answers", counts["good"], 500)
}

func TestEachMoodHasItsOwnSwitch(t *testing.T) {
	for mood, m := range map[string]emulator.Mischief{
		"limited": {Limited: 1}, "failing": {Failing: 1}, "empty": {Empty: 1}, "same": {SameToken: 1},
	} {
		counts, _ := moods(t, emulator.Config{Mischief: &m}, 50)
		want(t, mood, counts[mood], 50)
	}
}

func TestTheSameTokenComesOnlyWhileItIsWorthHaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Mischief: &emulator.Mischief{SameToken: 1}})
		issued := e.Issue(emulator.Meetings, emulator.Consent{})
		time.Sleep(90 * time.Minute)
		same := refresh(t, e, emulator.Meetings, issued.RefreshToken)
		want(t, "token at three quarters", same.text("access_token"), issued.AccessToken)
		want(t, "what is left", same.number("expires_in"), 1800)
		time.Sleep(time.Second)
		later := refresh(t, e, emulator.Meetings, issued.RefreshToken)
		want(t, "another token after that", later.text("access_token") != issued.AccessToken, true)
	})
}

func TestAnHonestRetryAfterStaysWithinItsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Mischief: &emulator.Mischief{Limited: 1, Patience: 30 * time.Second}})
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		future, past := 0, 0
		for range 400 {
			after := refresh(t, e, emulator.REST, token).header.Get("Retry-After")
			if until, err := http.ParseTime(after); err == nil {
				left := time.Until(until)
				switch {
				case left > 30*time.Second:
					t.Fatalf("Retry-After asks for %v", left)
				case left > 0:
					future++
				default:
					past++
				}
			}
		}
		if future == 0 || past == 0 {
			t.Errorf("dates: %d in the future and %d past, want some of both", future, past)
		}
	})
}

func TestMoodsSpareCodesAndPeople(t *testing.T) {
	e := emulator.New(emulator.Config{Mischief: &emulator.Mischief{Failing: 1}})
	back := decide(t, e, authorizeURL(e, emulator.REST, nil), accept())
	got := post(t, e, emulator.TokenPath, codeForm(e, emulator.REST, back.Get("code")))
	want(t, "code", got.status, 200)
	want(t, "people/me", get(t, e, emulator.MePath, got.text("access_token")).status, 200)
	want(t, "refresh", refresh(t, e, emulator.REST, got.text("refresh_token")).status >= 500, true)
}
