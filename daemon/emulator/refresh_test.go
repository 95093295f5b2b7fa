package emulator_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

const deadText = "The refresh token provided is expired, revoked, malformed, or invalid."

func TestARefreshKeepsTheRefreshTokenAndBringsANewAccessToken(t *testing.T) {
	for _, k := range emulator.Kinds() {
		t.Run(string(k), func(t *testing.T) {
			e := emulator.New(emulator.Config{Calm: true})
			issued := e.Issue(k, emulator.Consent{})
			got := refresh(t, e, k, issued.RefreshToken)
			want(t, "status", got.status, 200)
			want(t, "refresh token", got.text("refresh_token"), issued.RefreshToken)
			if got.text("access_token") == issued.AccessToken {
				t.Error("the access token did not change")
			}
			want(t, "old access token works", e.ValidAccess(issued.AccessToken), true)
			want(t, "new access token works", e.ValidAccess(got.text("access_token")), true)
		})
	}
}

func TestEachKindAnswersWithTheFieldsThatWebexDocuments(t *testing.T) {
	rest := "access_token expires_in refresh_token refresh_token_expires_in scope token_type"
	tests := map[emulator.Kind]struct {
		fields    string
		tokenType string
		life      time.Duration
		window    time.Duration
	}{
		emulator.REST:       {rest, "Bearer", 14 * day, 90 * day},
		emulator.Device:     {rest, "Bearer", 18 * time.Hour, 90 * day},
		emulator.ServiceApp: {strings.ReplaceAll(rest, "scope ", ""), "Bearer", 14 * day, 90 * day},
		emulator.Meetings: {"access_token authentication_id email expires_in iss refresh_token scope siteid token_type user_name userid",
			"bearer", 2 * time.Hour, 0},
	}
	for k, test := range tests {
		t.Run(string(k), func(t *testing.T) {
			e := emulator.New(emulator.Config{Calm: true, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
			got := refresh(t, e, k, e.Issue(k, emulator.Consent{}).RefreshToken)
			want(t, "fields", strings.Join(slices.Sorted(maps.Keys(got.fields)), " "), test.fields)
			want(t, "token_type", got.text("token_type"), test.tokenType)
			want(t, "expires_in", got.number("expires_in"), int(test.life.Seconds()))
			want(t, "refresh_token_expires_in", got.number("refresh_token_expires_in"), int(test.window.Seconds()))
			want(t, "Date", got.header.Get("Date"), "Fri, 15 Jan 2027 08:00:00 GMT")
		})
	}
}

func TestConfiguredLivesReplaceTheDocumentedOnes(t *testing.T) {
	e := emulator.New(emulator.Config{
		Calm: true, AccessLife: time.Minute, RefreshLife: time.Hour,
		Lives: map[emulator.Kind]emulator.Life{emulator.Meetings: {Access: 12 * time.Second}},
	})
	for k, life := range map[emulator.Kind]time.Duration{emulator.REST: time.Minute, emulator.Meetings: 12 * time.Second} {
		id := e.Issue(k, emulator.Consent{}).Grant
		now := time.Now()
		status, _ := e.Grant(id)
		if left := status.AccessEnd.Sub(now); left > life || left < life/2 {
			t.Errorf("%s: access token has %v left, want about %v", k, left, life)
		}
		if left := status.RefreshEnd.Sub(now); left > time.Hour || left < time.Hour/2 {
			t.Errorf("%s: refresh token has %v left, want about 1h", k, left)
		}
	}
}

func TestASlidingWindowStartsAnewWithEachRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true})
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		for range 5 {
			time.Sleep(89 * day)
			want(t, "status", refresh(t, e, emulator.REST, token).status, 200)
		}
		time.Sleep(90 * day)
		want(t, "status after the window", refresh(t, e, emulator.REST, token).status, 400)
	})
}

func TestAFixedWindowEndsAtItsInstantHoweverOftenItIsUsed(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := emulator.New(emulator.Config{Calm: true, Window: emulator.Fixed, Rotate: rotate})
			token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
			time.Sleep(90*day - 20*time.Second)
			got := refresh(t, e, emulator.REST, token)
			want(t, "status", got.status, 200)
			want(t, "refresh_token_expires_in", got.number("refresh_token_expires_in"), 20)
			time.Sleep(20 * time.Second)
			want(t, "status at the end", refresh(t, e, emulator.REST, got.text("refresh_token")).status, 400)
		})
	}
}

func TestARotatedRefreshTokenWorksUntilItsGraceIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true, Rotate: true, Grace: 10 * time.Second})
		issued := e.Issue(emulator.REST, emulator.Consent{})
		first := refresh(t, e, emulator.REST, issued.RefreshToken)
		if first.text("refresh_token") == issued.RefreshToken {
			t.Fatal("the refresh token did not rotate")
		}
		time.Sleep(10*time.Second - time.Millisecond)
		again := refresh(t, e, emulator.REST, issued.RefreshToken)
		want(t, "status in the grace", again.status, 200)
		want(t, "successor in the grace", again.text("refresh_token"), first.text("refresh_token"))
		want(t, "working tokens in the grace", len(working(e)), 2)
		want(t, "old token works in the grace", e.Valid(issued.RefreshToken), true)

		time.Sleep(time.Millisecond)
		want(t, "old token works after the grace", e.Valid(issued.RefreshToken), false)
		dead := refresh(t, e, emulator.REST, issued.RefreshToken)
		want(t, "status after the grace", dead.status, 400)
		want(t, "description", dead.description(), deadText)
		want(t, "reuses", e.Stats().Reuses, 1)
		want(t, "successor works still", e.Valid(first.text("refresh_token")), true)
	})
}

// working are all refresh tokens that the emulator would accept.
func working(e *emulator.Emulator) []string {
	var tokens []string
	for _, token := range e.RefreshTokens() {
		tokens = append(tokens, token)
	}
	return tokens
}

func TestReuseEndsTheGrantWhereSoConfigured(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, Rotate: true, EndOnReuse: true})
	issued := e.Issue(emulator.REST, emulator.Consent{})
	fresh := refresh(t, e, emulator.REST, issued.RefreshToken)
	want(t, "reuse", refresh(t, e, emulator.REST, issued.RefreshToken).status, 400)
	want(t, "successor works", e.Valid(fresh.text("refresh_token")), false)
	want(t, "access token works", e.ValidAccess(fresh.text("access_token")), false)
}

func TestADeadRefreshTokenIsRefusedInBothShapesAndStatuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		config emulator.Config
		status int
		field  string
	}{
		{"the gateway by default", emulator.Config{}, 400, "message"},
		{"the broker", emulator.Config{Errors: emulator.Broker}, 400, "error"},
		{"the gateway with 401", emulator.Config{DeadStatus: 401}, 401, "message"},
		{"the broker with 401", emulator.Config{DeadStatus: 401, Errors: emulator.Broker}, 401, "error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Calm = true
			e := emulator.New(test.config)
			issued := e.Issue(emulator.REST, emulator.Consent{})
			other := e.Issue(emulator.Device, emulator.Consent{})
			want(t, "revoke", e.Revoke(issued.RefreshToken), true)
			want(t, "revoke again", e.Revoke(issued.RefreshToken), false)
			for name, token := range map[string]string{
				"revoked":               issued.RefreshToken,
				"of another client":     other.RefreshToken,
				"an access token":       issued.AccessToken,
				"cut off":               other.RefreshToken[:len(other.RefreshToken)-1],
				"nonsense":              "nonsense",
				"absent":                "",
				"with too many letters": issued.RefreshToken + "0",
			} {
				got := refresh(t, e, emulator.REST, token)
				want(t, name+": status", got.status, test.status)
				want(t, name+": description", got.description(), deadText)
				if got.text(test.field) == "" {
					t.Errorf("%s: no field %s in %s", name, test.field, got.body)
				}
				if id := got.header.Get("Trackingid"); !strings.HasPrefix(id, "ROUTER_") || !strings.Contains(got.body, id) {
					t.Errorf("%s: tracking ID %q is not in %s", name, id, got.body)
				}
			}
			want(t, "access token after revocation", e.ValidAccess(issued.AccessToken), false)
		})
	}
}

func TestTheBrokerLeavesOutARefreshTokenThatDidNotChange(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		e := emulator.New(emulator.Config{Calm: true, Rotate: rotate})
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		got := post(t, e, emulator.BrokerTokenPath, refreshForm(e, emulator.REST, token))
		want(t, "status", got.status, 200)
		want(t, "a refresh token is told", got.text("refresh_token") != "", rotate)
	}
}

func TestAFullAccountGetsNoFurtherAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true, TokenLimit: 3})
		issued := e.Issue(emulator.REST, emulator.Consent{Email: "kim@acme.example"})
		refresh(t, e, emulator.REST, issued.RefreshToken)
		time.Sleep(day)
		want(t, "third", refresh(t, e, emulator.REST, issued.RefreshToken).status, 200)
		full := refresh(t, e, emulator.REST, issued.RefreshToken)
		want(t, "fourth", full.status, 400)
		if !strings.Contains(full.body, "tokenlimit_reached") {
			t.Errorf("the refusal does not name its reason: %s", full.body)
		}
		want(t, "live tokens", e.LiveAccess("Kim@acme.example"), 3)
		want(t, "refresh token works", e.Valid(issued.RefreshToken), true)
		time.Sleep(13 * day)
		want(t, "once two have ended", refresh(t, e, emulator.REST, issued.RefreshToken).status, 200)
	})
}

func TestAStrictMeetingsRefreshRepeatsWhatTheConsentHad(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, StrictMeetings: true})
	redirect := e.Client(emulator.Meetings).RedirectURIs[0]
	issued := e.Issue(emulator.Meetings, emulator.Consent{RedirectURI: redirect, CodeVerifier: "abc"})
	for _, test := range []struct {
		name, redirect, verifier string
		status                   int
	}{
		{"neither", "", "", 400},
		{"no verifier", redirect, "", 400},
		{"another redirect", "http://elsewhere.test/", "abc", 400},
		{"another verifier", redirect, "abd", 400},
		{"both as they were", redirect, "abc", 200},
	} {
		form := refreshForm(e, emulator.Meetings, issued.RefreshToken)
		form.Set("redirect_uri", test.redirect)
		form.Set("code_verifier", test.verifier)
		want(t, test.name, post(t, e, emulator.MeetingsTokenPath, form).status, test.status)
	}
}

func TestMeetingsRefreshTokensCarryTheSiteOrWantIt(t *testing.T) {
	for _, bare := range []bool{false, true} {
		e := emulator.New(emulator.Config{Calm: true, BareSite: bare})
		token := e.Issue(emulator.Meetings, emulator.Consent{}).RefreshToken
		want(t, "issued with the site", strings.HasPrefix(token, "acme_"), !bare)
		with := "acme_" + strings.TrimPrefix(token, "acme_")
		without := strings.TrimPrefix(token, "acme_")
		want(t, "sent without the site", refresh(t, e, emulator.Meetings, without).status, 400)
		want(t, "sent with the site", refresh(t, e, emulator.Meetings, with).status, 200)
	}
}
