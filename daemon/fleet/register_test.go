package fleet_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/store"
)

// statics declares tokens that nobody can refresh.
const statics = `
integration "bots" {
  kind = "static"
}
grant "bot-*" {
  integration = "bots"
}
`

// pair is a token response in which only the values differ.
func pair(access, refresh string) []byte {
	return fmt.Appendf(nil, `{"access_token":%q,"expires_in":1209599,"refresh_token":%q,"refresh_token_expires_in":7775999}`, access, refresh)
}

// refused fails unless err is a refusal of that kind.
func refused(t *testing.T, err error, kind refusal.Kind) *refusal.Error {
	t.Helper()
	r, ok := errors.AsType[*refusal.Error](err)
	if !ok || r.Kind != kind {
		t.Fatalf("got %v, want a refusal of kind %d", err, kind)
	}
	return r
}

func TestARegistrationCanBeRepeated(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		if got := h.take("rest-1", pair("a1", "r1")); got.Result != "new" {
			t.Errorf("the first is %s", got.Result)
		}
		time.Sleep(time.Hour)
		before := h.revision("rest-1")
		got := h.take("rest-1", pair("a1", "r1"))
		if got.Result != "unchanged" || !strings.Contains(got.Note, "generation 1 kept") {
			t.Errorf("the second is %s: %q", got.Result, got.Note)
		}
		if h.revision("rest-1") != before {
			t.Error("the record was written again")
		}
	})
}

func TestAnOlderTokenNeverReplacesANewerOne(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		issued := h.register("rest-1", emulator.REST)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		before := h.revision("rest-1")
		got := h.take("rest-1", issued.Response)
		if got.Result != "unchanged" || got.Note != "already superseded, generation 2 kept" {
			t.Errorf("%s: %q", got.Result, got.Note)
		}
		if h.revision("rest-1") != before {
			t.Error("the record was written again")
		}
	})
}

func TestANewRefreshTokenReplacesAndTheOneBeforeIsAFallback(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 4 {
			h.take("rest-1", pair(fmt.Sprint("a", i), fmt.Sprint("r", i)))
		}
		r := h.stored("rest-1")
		if r.Generation != 4 || r.Refresh.Value.Reveal() != "r3" || r.Token.Access.Reveal() != "a3" {
			t.Errorf("generation %d, the last import is not in force", r.Generation)
		}
		var behind []string
		for _, f := range r.Fallbacks {
			behind = append(behind, f.Value.Reveal())
		}
		if !slices.Equal(behind, []string{"r2", "r1"}) {
			t.Errorf("fallbacks %v", behind)
		}
	})
}

// A seed file is read again at each start, whatever became of its token since.
func TestATokenThatWasRegisteredIsRecognisedHoweverOftenItWasReplaced(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
		issued := h.register("rest-1", emulator.REST)
		for range store.MaxFingerprints + 1 {
			if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if got := h.take("rest-1", issued.Response); got.Result != "unchanged" {
			t.Errorf("the first one is %s", got.Result)
		}
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
			t.Errorf("the grant is lost: %v", err)
		}
	})
}

func TestTheLastSixtyFourRefreshTokensAreRecognised(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		for i := range 65 {
			h.take("rest-1", pair("a", fmt.Sprint("r", i)))
		}
		if got := h.take("rest-1", pair("a", "r1")); got.Result != "unchanged" {
			t.Errorf("the sixty-fourth from the end: %s", got.Result)
		}
		if got := h.take("rest-1", pair("a", "r0")); got.Result != "replaced" {
			t.Errorf("the sixty-fifth from the end: %s", got.Result)
		}
		if n := len(h.stored("rest-1").Fingerprints); n != 64 {
			t.Errorf("%d fingerprints", n)
		}
	})
}

func TestATokenThatComesAndGoesTakesThePlaceOfNoOtherFingerprint(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.take("rest-1", pair("a", "older"))
		for range 65 {
			h.take("rest-1", pair("a", "newer"))
			if err := h.fleet.Registry.Remove(t.Context(), "rest-1"); err != nil {
				t.Fatal(err)
			}
		}
		h.take("rest-1", pair("a", "newer"))
		if got := h.take("rest-1", pair("a", "older")); got.Result != "unchanged" {
			t.Errorf("the older one is %s", got.Result)
		}
	})
}

func TestASeedDoesNotResurrectWhatAnImportMay(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		seed := registry.Registration{Answer: provider.Answer{
			Access: store.NewSecret("a"), Refresh: store.NewSecret("r"), AccessLife: 14 * day,
		}, Standing: true}
		register := func(reg registry.Registration) string {
			t.Helper()
			got, err := h.enter("rest-1", reg)
			if err != nil {
				t.Fatal(err)
			}
			return got.Result
		}
		if got := register(seed); got != "new" {
			t.Fatalf("the seed is %s", got)
		}
		if err := h.fleet.Registry.Remove(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		if r := h.stored("rest-1"); !r.Refresh.Value.Empty() || !r.Token.Access.Empty() {
			t.Error("the tokens are still there")
		}
		if got := register(seed); got != "unchanged" {
			t.Errorf("the seed is %s after the removal", got)
		}
		h.is("rest-1", store.Pending, "nothing registered")
		seed.Standing = false
		if got := register(seed); got != "new" {
			t.Errorf("the import is %s after the removal", got)
		}
		h.is("rest-1", store.OK, "")
	})
}

// selfContained is an access token that carries its own expiry.
func selfContained(end time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"RS256"}`) + "." + part(fmt.Sprintf(`{"exp":%d}`, end.Unix())) + "." + part("signature")
}

func TestLivesCountFromTheIssueAndAreMarkedWhereTheyAreAssumed(t *testing.T) {
	const (
		access = "access_expires_at"
		window = "window_ends_at"
	)
	soon := time.Minute
	for _, c := range []struct {
		name    string
		grant   string
		answer  provider.Answer
		age     time.Duration // of the tokens when they are imported; 0: not said
		access  time.Duration // from the import to the expiry; 0: none
		window  time.Duration
		assumed []string
		within  time.Duration // of the import the refresh is due; 0: at its normal time
	}{
		{"a response whose time of issue is known", "rest-1",
			provider.Answer{Access: store.NewSecret("a"), AccessLife: 14 * day, RefreshLife: 90 * day}, day,
			13 * day, 89 * day, []string{}, 0},
		{"a response whose time of issue is not known", "rest-1",
			provider.Answer{Access: store.NewSecret("a"), AccessLife: 14 * day, RefreshLife: 90 * day}, 0,
			14 * day, 90 * day, []string{access, window}, 0},
		{"a response without numbers", "rest-1",
			provider.Answer{Access: store.NewSecret("a")}, 0,
			14 * day, 90 * day, []string{access, window}, soon},
		{"a response without expires_in whose time of issue is known", "rest-1",
			provider.Answer{Access: store.NewSecret("a"), RefreshLife: 90 * day}, day,
			13 * day, 89 * day, []string{access}, soon},
		{"a bare refresh token", "rest-1",
			provider.Answer{}, 0,
			0, 90 * day, []string{window}, soon},
		{"a file with instants", "rest-1",
			provider.Answer{Access: store.NewSecret("a"), AccessEnd: bubbleStart.Add(5 * day), RefreshEnd: bubbleStart.Add(50 * day)}, 0,
			5 * day, 50 * day, []string{}, 0},
		{"a self-contained access token", "rest-1",
			provider.Answer{Access: store.NewSecret("a"), AccessEnd: bubbleStart.Add(5 * day), RefreshLife: 90 * day}, 0,
			5 * day, 90 * day, []string{window}, 0},
		{"a Meetings response, which never tells the window", "meetings-1",
			provider.Answer{Access: store.NewSecret("a"), AccessLife: 2 * time.Hour}, time.Hour,
			time.Hour, 60*day - time.Hour, []string{window}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, calm, "", func(t *testing.T, h *host) {
				c.answer.Refresh = store.NewSecret("r")
				reg := registry.Registration{Answer: c.answer}
				if c.age > 0 {
					reg.IssuedAt = time.Now().Add(-c.age)
				}
				got, err := h.enter(c.grant, reg)
				if err != nil {
					t.Fatal(err)
				}
				if want := c.access; want == 0 != (got.AccessExpiresAt == nil) || want > 0 && time.Until(*got.AccessExpiresAt) != want {
					t.Errorf("the token ends at %v, want in %v", got.AccessExpiresAt, want)
				}
				if left := time.Until(*got.WindowEndsAt); left != c.window {
					t.Errorf("the window ends in %v, want %v", left, c.window)
				}
				if !slices.Equal(got.Assumed, c.assumed) {
					t.Errorf("assumed %v, want %v", got.Assumed, c.assumed)
				}
				due := time.Until(*got.RefreshDueAt)
				if c.within > 0 && (due <= 0 || due > c.within) {
					t.Errorf("due in %v, want within %v", due, c.within)
				}
				if life := c.age + c.access; c.within == 0 && (due < life*40/100-c.age || due > life*70/100-c.age) {
					t.Errorf("due in %v of %v", due, life)
				}
			})
		})
	}
}

// bubbleStart is the time at which every bubble begins.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestASelfContainedAccessTokenTellsItsEndWithoutAnyNumber(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		end := time.Now().Add(9 * day)
		got := h.take("rest-1", fmt.Appendf(nil, `{"access_token":%q,"refresh_token":"r"}`, selfContained(end)))
		if !got.AccessExpiresAt.Equal(end) || slices.Contains(got.Assumed, "access_expires_at") {
			t.Errorf("ends at %v, assumed %v", got.AccessExpiresAt, got.Assumed)
		}
	})
}

func TestATokenThatIsOfNoUseIsRefusedAndChangesNothing(t *testing.T) {
	ago := func(d time.Duration) time.Time { return bubbleStart.Add(-d) }
	for _, c := range []struct {
		name  string
		grant string
		reg   registry.Registration
		kind  refusal.Kind
		say   string
	}{
		{"a refresh token that has expired by its own life", "rest-1", registry.Registration{
			Answer:   provider.Answer{Access: store.NewSecret("x"), Refresh: store.NewSecret("y"), AccessLife: 14 * day, RefreshLife: 90 * day},
			IssuedAt: ago(91 * day)}, refusal.BadContent, "expired"},
		{"a refresh token that has expired by an instant", "rest-1", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("x"), Refresh: store.NewSecret("y"), RefreshEnd: ago(time.Second)}}, refusal.BadContent, "expired"},
		{"no refresh token", "rest-1", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("x"), AccessLife: 14 * day}}, refusal.BadContent, "refresh_token"},
		{"a static token that has expired by its own life", "bot-1", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("x"), AccessLife: 12 * time.Hour}, IssuedAt: ago(day)}, refusal.BadContent, "expired"},
		{"a static token that has expired by an instant", "bot-1", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("x"), AccessEnd: ago(time.Second)}}, refusal.BadContent, "expired"},
		{"a static grant without a token", "bot-1", registry.Registration{
			Answer: provider.Answer{Refresh: store.NewSecret("y")}}, refusal.BadContent, "access_token"},
		{"a name that no block declares", "elsewhere", good, refusal.NoSuchGrant, "declared"},
		{"a name with a slash", "rest-1/../../etc", good, refusal.BadName, ""},
		{"a name with two dots", "rest-..", good, refusal.BadName, ""},
		{"a name in capitals", "REST-1", good, refusal.BadName, ""},
		{"an empty name", "", good, refusal.BadName, ""},
		{"a name of 64 bytes", "rest-" + strings.Repeat("x", 59), good, refusal.BadName, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, calm, statics, func(t *testing.T, h *host) {
				h.take("rest-1", pair("a", "r"))
				h.take("bot-1", []byte(`{"access_token":"bot"}`))
				rest, bot := h.revision("rest-1"), h.revision("bot-1")
				_, err := h.fleet.Registry.Register(t.Context(), c.grant, c.reg)
				if r := refused(t, err, c.kind); !strings.Contains(r.Detail, c.say) || strings.Contains(r.Detail, "\n") {
					t.Errorf("it says %q", r.Detail)
				}
				if h.revision("rest-1") != rest || h.revision("bot-1") != bot {
					t.Error("a record was written again")
				}
				if list, _, err := h.store.List(t.Context(), "", 10); err != nil || len(list) != 2 {
					t.Errorf("%d records, %v", len(list), err)
				}
			})
		})
	}
}

// good is a registration that any grant with a refresh would take.
var good = registry.Registration{Answer: provider.Answer{
	Access: store.NewSecret("access"), Refresh: store.NewSecret("refresh"), AccessLife: 14 * day, RefreshLife: 90 * day,
}}

func TestTheRefusalOfAnUndeclaredNameSaysWhichBlockToWrite(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		_, err := h.fleet.Registry.Register(t.Context(), "elsewhere", good)
		if r := refused(t, err, refusal.NoSuchGrant); !strings.Contains(r.Action, `grant "elsewhere" { integration = "meetings" }`) {
			t.Errorf("action %q", r.Action)
		}
	})
}

func TestAStaticTokenIsNeverRefreshedAndItsEndIsNoticed(t *testing.T) {
	inBubble(t, calm, statics, func(t *testing.T, h *host) {
		h.take("bot-ever", []byte(`{"access_token":"bot"}`))
		got, err := h.enter("bot-short", registry.Registration{
			Answer: provider.Answer{Access: store.NewSecret("personal"), AccessEnd: time.Now().Add(12 * time.Hour)},
		})
		if err != nil || got.State != string(store.OK) || got.RefreshDueAt != nil {
			t.Fatalf("%s, due %v, %v", got.State, got.RefreshDueAt, err)
		}
		h.live(13*time.Hour, time.Minute)
		h.is("bot-ever", store.OK, "")
		g := h.is("bot-short", store.Reauthorize, "token_expired")
		if g.Since.Sub(*g.AccessExpiresAt) > time.Minute || g.Action != "webex-tokend import bot-short" {
			t.Errorf("since %v, action %q", g.Since, g.Action)
		}
		if n := h.webex.Stats().Requests; n != 0 {
			t.Errorf("%d requests for static tokens", n)
		}
		again := []byte(`{"access_token":"another"}`)
		if got := h.take("bot-short", again); got.Result != "replaced" {
			t.Errorf("the next token is %s", got.Result)
		}
		h.is("bot-short", store.OK, "")
		if got := h.take("bot-short", again); got.Result != "unchanged" {
			t.Errorf("the same token is %s", got.Result)
		}
	})
}

func TestAnImportReplacesADamagedRecord(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.take("rest-1", pair("a", "r"))
		h.damage("rest-1")
		g := h.grant("rest-1")
		if g.State != string(store.Damaged) || g.Since == nil || g.Action == "" {
			t.Fatalf("state %s since %v action %q", g.State, g.Since, g.Action)
		}
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Error("a damaged grant was refreshed")
		}
		h.take("rest-1", pair("a2", "r2"))
		h.is("rest-1", store.OK, "")
		if r := h.stored("rest-1"); r.Refresh.Value.Reveal() != "r2" || len(r.Fallbacks) != 0 {
			t.Errorf("%d fallbacks, or another refresh token", len(r.Fallbacks))
		}
	})
}

func TestADamagedRecordStaysDamagedSinceItWasFound(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.take("rest-1", pair("a", "r"))
		h.damage("rest-1")
		found := *h.grant("rest-1").Since
		time.Sleep(time.Hour)
		if since := *h.grant("rest-1").Since; !since.Equal(found) {
			t.Errorf("since %v, it was found at %v", since, found)
		}
	})
}

func TestAnImportWhileRetryingEndsTheTroubleAndKeepsTheFallbacks(t *testing.T) {
	inBubble(t, emulator.Config{Calm: true, Rotate: true, Grace: time.Hour}, "", func(t *testing.T, h *host) {
		h.register("rest-1", emulator.REST)
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.webex.Script(lab.Reply(503, nil, ""))
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-1"); err == nil {
			t.Fatal("refreshed by a 503")
		}
		before := h.stored("rest-1")
		if h.grant("rest-1").State != string(store.Retrying) {
			t.Fatalf("state %s", h.grant("rest-1").State)
		}
		h.take("rest-1", h.webex.Issue(emulator.REST, emulator.Consent{}).Response)
		h.is("rest-1", store.OK, "")
		r := h.stored("rest-1")
		if r.Failures != 0 || len(r.Fallbacks) != 2 ||
			!r.Fallbacks[0].Value.Equal(before.Refresh.Value) || !r.Fallbacks[1].Value.Equal(before.Fallbacks[0].Value) {
			t.Errorf("%d failures, %d fallbacks or others", r.Failures, len(r.Fallbacks))
		}
	})
}

func TestAnImportEndsAnUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		name    string
		between func(h *host)
	}{
		{"at once", func(*host) {}},
		{"after a removal", func(h *host) {
			if err := h.fleet.Registry.Remove(h.t.Context(), "rest-1"); err != nil {
				h.t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, emulator.Config{Calm: true, Rotate: true}, "", func(t *testing.T, h *host) {
				h.register("rest-1", emulator.REST)
				h.webex.Script(lab.Lose())
				h.fleet.Refresher.Refresh(t.Context(), "rest-1")
				if got := h.grant("rest-1").State; got != string(store.Unknown) {
					t.Fatalf("state %s", got)
				}
				c.between(h)
				h.take("rest-1", h.webex.Issue(emulator.REST, emulator.Consent{}).Response)
				h.is("rest-1", store.OK, "")
				if list, err := h.store.Intents(t.Context(), "", 10); err != nil || len(list) != 0 {
					t.Errorf("open intents %v, %v", list, err)
				}
				h.restart()
				if n := h.webex.Stats().Requests; n != 1 {
					t.Errorf("%d requests, the new refresh token was sent for the old one's outcome", n)
				}
			})
		})
	}
}

func TestAnImportKeepsTheOperatorsPause(t *testing.T) {
	inBubble(t, calm, "", func(t *testing.T, h *host) {
		h.take("rest-1", pair("a", "r"))
		if err := h.fleet.Registry.Pause(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		h.take("rest-1", pair("a2", "r2"))
		h.is("rest-1", store.Paused, "paused by the operator")
	})
}

// Only files had a mark in the store, and a crash lost what hooks were to tell.
func TestAGrantWithHooksAloneIsMarkedUntilTheyAreTold(t *testing.T) {
	const told = `
grant "rest-told" {
  integration = "rest"
  hook {
    command = ["/bin/true"]
  }
}
`
	inBubble(t, calm, told, func(t *testing.T, h *host) {
		marked := func(when string) {
			t.Helper()
			if list, err := h.fleet.Registry.Unpublished(t.Context(), "", 10); err != nil || len(list) != 1 {
				t.Errorf("%s: marked are %q, %v", when, list, err)
			}
		}
		h.register("rest-told", emulator.REST)
		marked("after a registration")
		if err := h.fleet.Registry.Published(t.Context(), "rest-told", 1); err != nil {
			t.Fatal(err)
		}
		if err := h.fleet.Refresher.Refresh(t.Context(), "rest-told"); err != nil {
			t.Fatal(err)
		}
		marked("after a refresh")
		if err := h.fleet.Registry.Remove(t.Context(), "rest-told"); err != nil {
			t.Fatal(err)
		}
		marked("after its removal")
		if err := h.fleet.Registry.Published(t.Context(), "rest-told", 0); err != nil {
			t.Error(err)
		}
	})
}
