package outcome_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// A copy of a store whose server replaces refresh tokens was trusted, because the
// kind says that Webex does not.
func TestRotationIsLearnedFromAnswers(t *testing.T) {
	print := func(s store.Secret) store.Fingerprint {
		return store.Fingerprint([]byte((s.Reveal() + "........")[:8]))
	}
	for name, row := range map[string]struct {
		answers []string // refresh tokens; empty: none
		want    bool
	}{
		"no refresh yet":                 {nil, false},
		"the same value again and again": {[]string{"old", "old"}, false},
		"no refresh token in the answer": {[]string{"", ""}, false},
		"another value":                  {[]string{"new"}, true},
		"another value, long ago":        {[]string{"new", "new", "new"}, true},
		"another value each time":        {[]string{"a", "b", "c"}, true},
	} {
		x, r := exchange()
		x.Fingerprint = print
		outcome.Remember(r, print(r.Refresh.Value))
		r.Registered = outcome.AddPrint(nil, print(r.Refresh.Value), store.MaxRegistered)
		for i, refresh := range row.answers {
			x.Sent = r.Refresh
			x.Absorb(r, began.Add(time.Duration(i)*time.Hour), provider.Answer{Access: store.NewSecret("a"), AccessLife: time.Hour, Refresh: store.NewSecret(refresh)})
		}
		if got := outcome.Rotated(r); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
