package main

import (
	"testing"
	"time"

	"webex-tokend/daemon/wire"
)

func TestHowLongATokenCanBeGoodForIsSaidOnlyWhereItIsKnown(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) *time.Time { at := now.Add(d); return &at }
	for _, c := range []struct {
		name    string
		grant   wire.Grant
		most    time.Duration
		bounded bool
	}{
		{"a static token has what is left", wire.Grant{Kind: "static", AccessExpiresAt: in(time.Hour)}, time.Hour, true},
		{"a static token without an end has no bound", wire.Grant{Kind: "static"}, 0, false},
		{"a refresh tells the life", wire.Grant{Kind: "rest", AccessExpiresAt: in(90 * time.Minute), LastRefreshAt: in(-30 * time.Minute), RefreshDueAt: in(50 * time.Minute)}, 2 * time.Hour, true},
		{"an import tells none", wire.Grant{Kind: "rest", AccessExpiresAt: in(90 * time.Minute), RefreshDueAt: in(50 * time.Minute)}, 0, false},
		{"nor does an old token that came again", wire.Grant{Kind: "rest", AccessExpiresAt: in(time.Hour), LastRefreshAt: in(0), RefreshDueAt: in(time.Minute)}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if most, bounded := longestToken(c.grant, now); bounded != c.bounded || bounded && most != c.most {
				t.Errorf("%v, %v", most, bounded)
			}
		})
	}
}
