package alert_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/store"
)

func TestARefusedTokenIsToldAtOnceAndAgainWhenItIsGivenUp(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		issued := h.register("rest-1")
		h.sweep()
		h.hears()
		if !h.webex.Revoke(issued.RefreshToken) {
			t.Fatal("nothing was revoked")
		}
		h.refresh("rest-1")
		first := h.messages() // without a look: the event has told
		if len(first) != 1 || first[0].Severity != "critical" || first[0].Reason != "refresh_token_rejected" || first[0].Action != "webex-tokend import rest-1" {
			t.Fatalf("the first refusal: %+v", first)
		}
		h.live(time.Hour, 10*time.Second)
		second := h.messages()
		if len(second) != 1 || second[0].Severity != "critical" || second[0].State != "reauthorize" || second[0].Incident != first[0].Incident ||
			!strings.HasPrefix(second[0].Text, "rest-1: a new consent is needed") {
			t.Fatalf("when it is given up: %+v", second)
		}
		h.live(3*day, time.Hour)
		h.hears()
		h.register("rest-1")
		h.hears("consent rest-1 over")
		h.live(2*day, time.Hour)
		h.hears()
	})
}

func TestARefreshThatFailsOtherwiseDoesNotTakeARefusalBack(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`), lab.Reply(503, nil, ""), lab.Lose())
		h.refresh("rest-1")
		h.hears("consent rest-1 10m")
		for range 2 {
			time.Sleep(2 * time.Minute)
			h.refresh("rest-1")
			h.sweep()
		}
		h.hears()
		time.Sleep(2 * time.Minute)
		h.refresh("rest-1")
		h.hears("consent rest-1 over")
	})
}

func TestARefusedClientIsOneAlertHoweverManyGrantsItHas(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		client := h.webex.Client(emulator.REST).ID
		for i := range 20 {
			h.register(fmt.Sprintf("rest-%02d", i))
		}
		h.live(6*day, time.Hour)
		h.hears()
		h.webex.RejectClient(client, true)
		h.refresh("rest-07")
		messages := h.messages()
		if len(messages) != 1 || messages[0].Kind != "client" || messages[0].Integration != "rest" || messages[0].Action != "webex-tokend validate" ||
			messages[0].Grant != "" || messages[0].Severity != "critical" || !strings.HasPrefix(messages[0].Text, "integration rest: its client is refused") {
			t.Fatalf("told %+v", messages)
		}
		h.live(2*day, 4*time.Minute)
		h.hears()
		// A daemon that was started anew knows of no refusal; that is no recovery.
		h.restart()
		h.live(time.Hour, time.Minute)
		h.hears()
		h.webex.RejectClient(client, false)
		h.live(time.Hour, time.Minute)
		h.hears("client rest over")
	})
}

func TestASecretThatCannotBeReadIsToldFromTheStartOn(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		if err := os.Rename(filepath.Join(h.dir, "secret"), filepath.Join(h.dir, "away")); err != nil {
			t.Fatal(err)
		}
		h.restart()
		h.live(time.Minute, time.Second)
		h.hears("secret rest 0s")
		if err := os.Rename(filepath.Join(h.dir, "away"), filepath.Join(h.dir, "secret")); err != nil {
			t.Fatal(err)
		}
		h.live(time.Minute, time.Second)
		h.hears("secret rest over")
	})
}

func TestAStoreThatRefusesIsToldOnceForAll(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		for i := range 5 {
			h.register(fmt.Sprint("rest-", i))
		}
		h.full.Store(true)
		h.refresh("rest-1")
		h.sweep()
		messages := h.messages()
		if len(messages) != 1 || messages[0].Kind != "store" || messages[0].Severity != "critical" || !strings.HasPrefix(messages[0].Action, "df -h ") || messages[0].Reason != "no space left on device" {
			t.Fatalf("told %+v", messages)
		}
		h.live(10*time.Minute, time.Second)
		h.hears()
		h.restart() // which is no proof that it accepts writes
		h.live(time.Minute, time.Second)
		h.hears()
		h.refresh("rest-1")
		h.full.Store(false)
		h.live(time.Minute, time.Second)
		h.hears("store  over")
		h.restart()
		h.live(5*time.Minute, time.Second)
		h.hears()
	})
}

func TestAnAnswerThatTheStoreRefusesIsNamed(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		go func() { _ = h.fleet.Refresher.Refresh(t.Context(), "rest-1") }()
		<-arrived
		h.full.Store(true)
		close(release)
		synctest.Wait()
		h.sweep()
		messages := h.messages()
		if len(messages) != 1 || messages[0].Kind != "store" || !slices.Equal(messages[0].Grants, []string{"rest-1"}) ||
			!strings.HasSuffix(messages[0].Text, "answers are in memory alone for rest-1") {
			t.Fatalf("told %+v", messages)
		}
		h.full.Store(false)
		h.live(5*time.Minute, time.Second)
		h.hears("store  over")
	})
}

func TestAnEndpointThatIsDownIsToldOnceOfEachGrantWhileTheTokensLive(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		for i := range 15 {
			h.register(fmt.Sprintf("rest-%02d", i))
		}
		h.live(6*day, time.Hour)
		h.webex.Down(true)
		h.live(3*day, time.Minute)
		told := 0
		for _, m := range h.messages() {
			switch {
			case m.Kind == "overdue": // a broken endpoint is tried by one grant at a time
			case m.Kind != "failing" || m.Severity != "warning" || m.Action == "":
				t.Errorf("told of %+v", m)
			default:
				told += m.Count
			}
		}
		if told != 15 {
			t.Errorf("told of %d grants", told)
		}
		h.webex.Down(false)
		h.live(2*time.Hour, time.Minute)
		if over := h.overFor("failing"); over != 15 {
			t.Errorf("over for %d", over)
		}
	})
}

func TestFailuresAfterAConsentAreTold(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		issued := h.register("rest-1")
		h.webex.Revoke(issued.RefreshToken)
		h.refresh("rest-1")
		h.hears("consent rest-1 10m")
		h.register("rest-1")
		h.hears("consent rest-1 over")
		h.webex.Down(true)
		h.live(8*day, time.Minute)
		h.hears("failing rest-1 0s")
	})
}

func TestAnEndpointThatIsDownIsToldWhenATokenHasExpired(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		for i := range 15 {
			h.register(fmt.Sprintf("rest-%02d", i))
		}
		h.live(6*day, time.Hour)
		h.webex.Down(true)
		h.live(9*day, 4*time.Minute)
		told := make(map[string]int)
		for _, m := range h.messages() {
			told[string(m.Kind)] += m.Count
			if m.Kind == "expired" && m.Action == "" {
				t.Errorf("nothing to do about %+v", m)
			}
		}
		if told["expired"] != 15 || told["consent"]+told["window"] > 0 {
			t.Errorf("told of %v", told)
		}
		h.webex.Down(false)
		h.live(2*time.Hour, time.Minute)
		if over := h.overFor("expired"); over != 15 {
			t.Errorf("over for %d", over)
		}
	})
}

func TestDamageAndRestoredCopiesAreTold(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.register("rest-2")
		s, err := h.store.Get(t.Context(), "rest-2")
		if err != nil {
			t.Fatal(err)
		}
		s.UnverifiedSince = time.Now()
		if _, err := h.store.Put(t.Context(), store.Update{Record: s.Record, Expect: s.Revision}); err != nil {
			t.Fatal(err)
		}
		row, err := h.memory.Get(t.Context(), "rest-1")
		if err != nil {
			t.Fatal(err)
		}
		entries := []store.Entry{{Index: store.AttentionIndex, Group: "rest/ok", Rank: 1, Name: "rest-1"}}
		if _, err := h.memory.Swap(t.Context(), store.Change{Name: "rest-1", Expect: row.Revision,
			Write: &store.Write{Value: []byte("damaged"), Entries: entries}}); err != nil {
			t.Fatal(err)
		}
		h.sweep()
		h.hearsInAnyOrder("damaged rest-1 0s", "unverified rest-2 0s")
		if err := h.fleet.Registry.Adopt(t.Context(), "rest-2"); err != nil {
			t.Fatal(err)
		}
		h.register("rest-1")
		h.sweep()
		h.hearsInAnyOrder("damaged rest-1 over", "unverified rest-2 over")
	})
}

func TestAGrantThatIsRemovedHasNoTroubleLeft(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(70*day, 6*time.Hour)
		h.hears("window rest-1 28d")
		if err := h.fleet.Registry.Remove(t.Context(), "rest-1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		over := h.messages()
		if len(over) != 1 || !over[0].Resolved || over[0].Grant != "rest-1" {
			t.Errorf("told %+v", over)
		}
	})
}

// beLate lets a refresh fall due soon at an endpoint that is closed for an hour.
func (h *host) beLate() {
	h.t.Helper()
	h.register("rest-1")
	h.live(time.Minute, time.Second)
	h.webex.Script(lab.Limit("3600"))
	h.refresh("rest-1")
	h.take("rest-2", `{"access_token":"x","refresh_token":"y","expires_in":1200}`)
}

func TestRefreshesThatDoNotBeginAreTold(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.beLate()
		h.live(30*time.Minute, time.Second)
		h.hears("overdue  0s", "expired rest-2 0s") // the latter was told by nobody, since its state is ok
		h.live(time.Hour, time.Second)
		if heard := h.heard(); !slices.Contains(heard, "overdue  over") {
			t.Errorf("heard %q", heard)
		}
	})
}

func TestFilesThatCannotBeWrittenAreToldOnceForAllAndWhenTheyAre(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.failing.Store(&[]string{"rest-1", "rest-2"})
		h.live(time.Minute, 2*time.Second)
		h.hears() // perhaps somebody is just making the folder
		h.live(2*time.Minute, 2*time.Second)
		messages := h.messages()
		if len(messages) != 1 || messages[0].Kind != "outputs" || messages[0].Severity != "warning" || messages[0].Count != 2 ||
			messages[0].Action != "webex-tokend status rest-1" || !strings.HasSuffix(messages[0].Text, "of rest-1, rest-2") {
			t.Fatalf("told %+v", messages)
		}
		h.failing.Store(&[]string{"rest-2"})
		h.live(time.Hour, time.Minute)
		h.hears()
		// Right after a start no file has been tried yet, which is no recovery.
		h.failing.Store(new([]string))
		h.restart()
		h.live(time.Minute, 2*time.Second)
		h.failing.Store(&[]string{"rest-2"})
		h.live(time.Hour, time.Minute)
		h.hears()
		h.failing.Store(new([]string))
		h.live(5*time.Minute, 2*time.Second)
		h.hears("outputs  over")
	})
}

func TestAnAnswerThatIsInMemoryAloneEndsNoTrouble(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.webex.Script(lab.Reply(503, nil, ""), lab.Reply(503, nil, ""), lab.Reply(503, nil, ""))
		for range 3 {
			h.refresh("rest-1")
		}
		h.hears("failing rest-1 0s")
		arrived, release := make(chan struct{}), make(chan struct{})
		h.webex.Script(lab.Hold(arrived, release))
		go func() { _ = h.fleet.Refresher.Refresh(t.Context(), "rest-1") }()
		<-arrived
		h.full.Store(true)
		defer h.full.Store(false)
		close(release)
		h.live(time.Minute, time.Second)
		h.hears("store  0s")
		h.full.Store(false)
		h.live(5*time.Minute, time.Second)
		h.hearsInAnyOrder("failing rest-1 over", "store  over")
	})
}

// Each restart told that refreshes begin in time again, and then the contrary.
func TestARestartDoesNotLetLateRefreshesBegin(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.beLate()
		h.live(50*time.Minute, time.Second)
		h.hears("overdue  0s", "expired rest-2 0s")
		h.restart()
		h.live(5*time.Minute, time.Second)
		if n := h.report.Trouble().Overdue; n != 1 {
			t.Fatalf("%d overdue", n)
		}
		h.hears()
	})
}

// A lost answer between two refusals told that no human was needed any more.
func TestALostAnswerBetweenTwoRefusalsIsNoRecovery(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.webex.Revoke(h.register("rest-1").RefreshToken)
		h.refresh("rest-1")
		h.hears("consent rest-1 10m")
		h.webex.Script(lab.Lose())
		for range 2 {
			time.Sleep(time.Minute)
			h.refresh("rest-1")
			h.sweep()
		}
		h.hears()
	})
}
