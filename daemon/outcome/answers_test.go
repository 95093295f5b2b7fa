package outcome_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/schedule"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func exchange() (outcome.Exchange, *store.Record) {
	r := &store.Record{Name: "ops", Refresh: store.RefreshToken{Value: store.NewSecret("old"), FirstSeen: began.Add(-time.Hour)}}
	return outcome.Exchange{
		In:           &config.Integration{Kind: config.Generic, AccessLife: 2 * time.Hour},
		Rule:         schedule.Rule{Fraction: 0.5, MinInterval: time.Minute},
		Sent:         r.Refresh,
		Attempt:      1,
		Fingerprint:  func(store.Secret) store.Fingerprint { return store.Fingerprint{} },
		LongestPause: func(time.Time) (time.Duration, bool) { return 0, false },
	}, r
}

// The state said ok while the server had replaced the refresh token.
func TestAGrantWhoseRefreshTokenCouldNotBeReadIsNotOK(t *testing.T) {
	x, r := exchange()
	x.Absorb(r, began, provider.Answer{Access: store.NewSecret("a"), AccessLife: time.Hour, Unread: store.NewSecret("raw")})
	v := verdict.Of(r, verdict.Facts{Declared: true}, began.Add(time.Second))
	if v.State != store.Unknown || v.Reason != wire.RefreshTokenUnread || v.Action != "webex-tokend unread ops" || v.Level == verdict.Fine {
		t.Errorf("the verdict is %+v", v)
	}
	if r.Unread == nil || r.Unread.Body.Reveal() != "raw" || r.Refresh.Value.Reveal() != "old" || r.Token.Access.Reveal() != "a" {
		t.Errorf("the record is %+v", r)
	}
	x.Absorb(r, began.Add(time.Hour), provider.Answer{Access: store.NewSecret("b"), AccessLife: time.Hour, Refresh: store.NewSecret("new")})
	if v := verdict.Of(r, verdict.Facts{Declared: true}, began.Add(time.Hour)); v.State != store.OK || r.Unread != nil {
		t.Errorf("after an answer that was read the verdict is %+v", v)
	}
}

func TestAnAnswerThatCouldNotBeReadIsTheActionOfAFailingGrant(t *testing.T) {
	x, r := exchange()
	x.SetBack(r, began, &provider.Failure{Sent: true, Answered: true, Status: 200, Code: "answer_malformed", Unread: store.NewSecret("raw")})
	if v := verdict.Of(r, verdict.Facts{Declared: true}, began); v.State != store.Retrying || v.Action != "webex-tokend unread ops" {
		t.Errorf("the verdict is %+v", v)
	}
}

func TestSpareRefreshTokensOfAnAnswerAreTriedBeforeOlderOnes(t *testing.T) {
	x, r := exchange()
	x.Absorb(r, began, provider.Answer{Access: store.NewSecret("a"), AccessLife: time.Hour, Refresh: store.NewSecret("two"), Spares: []store.Secret{store.NewSecret("one")}})
	var values []string
	for _, f := range r.Fallbacks {
		values = append(values, f.Value.Reveal())
	}
	if r.Refresh.Value.Reveal() != "two" || len(values) != 2 || values[0] != "one" || values[1] != "old" {
		t.Errorf("refresh token %q, fallbacks %q", r.Refresh.Value.Reveal(), values)
	}
}

func TestALifeOutOfRangeIsAssumed(t *testing.T) {
	in := &config.Integration{AccessLife: 2 * time.Hour}
	for name, row := range map[string]struct {
		a       provider.Answer
		want    time.Duration
		assumed bool
	}{
		"clipped":                        {provider.Answer{AccessLife: 400 * 24 * time.Hour, Doubtful: true}, 2 * time.Hour, true},
		"of no use":                      {provider.Answer{Doubtful: true}, 2 * time.Hour, true},
		"zero or less":                   {provider.Answer{AccessLife: time.Minute, Doubtful: true}, time.Minute, true},
		"in range":                       {provider.Answer{AccessLife: time.Hour}, time.Hour, false},
		"longer than the fallback":       {provider.Answer{AccessLife: 9 * time.Hour}, 9 * time.Hour, false},
		"absent":                         {provider.Answer{}, 2 * time.Hour, true},
		"an instant that the answer has": {provider.Answer{AccessEnd: began.Add(5 * time.Hour)}, 5 * time.Hour, false},
	} {
		if end, assumed := outcome.AccessEnd(in, row.a, began); !end.Equal(began.Add(row.want)) || assumed != row.assumed {
			t.Errorf("%s: %v, assumed %v", name, end.Sub(began), assumed)
		}
	}
}
