package alert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/emulator/lab"
	"webex-tokend/daemon/event"
	"webex-tokend/store"
)

func TestAGrantThatGoesUpAndDownMakesNoFlood(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		const flaps = 400 // in four days
		for range flaps {
			h.webex.Script(lab.Reply(400, nil, `{"error":"invalid_grant"}`))
			h.refresh("rest-1")
			h.sweep()
			time.Sleep(2 * time.Minute)
			h.refresh("rest-1")
			h.live(12*time.Minute, time.Minute)
		}
		told := len(h.messages())
		if told < 4 || told > 12 {
			t.Errorf("%d messages on %d times of trouble", told, flaps)
		}
		// What is told last is true.
		h.live(day, time.Minute)
		if m := h.messages(); len(m) != 1 || !m[0].Resolved {
			t.Errorf("in the end it says %+v", m)
		}
	})
}

func TestManyAtOnceAreToldInFewMessagesAndNoneIsLeftOut(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		const grants = 150
		tokens := make([]string, grants)
		for i := range tokens {
			tokens[i] = h.register(fmt.Sprintf("rest-%03d", i)).RefreshToken
		}
		for _, token := range tokens {
			h.webex.Revoke(token)
		}
		spoken := make(map[bool]int) // by recovered or not
		count := func(of []alert.Message) (messages int) {
			for _, m := range of {
				spoken[m.Resolved] += m.Count
				if len(m.Grants) > 10 || m.Count > 1 && (m.Grant != "" || !strings.Contains(m.Text, fmt.Sprintf("%d grants of integration rest", m.Count))) {
					t.Errorf("a message says %+v", m)
				}
			}
			return len(of)
		}
		for i := range grants {
			h.refresh(fmt.Sprintf("rest-%03d", i))
		}
		if n := count(h.messages()); n != 10 {
			t.Errorf("%d messages at once", n)
		}
		h.live(9*time.Minute, 10*time.Second)
		if n := count(h.messages()); n == 0 || n > 10 || spoken[false] != grants {
			t.Errorf("%d more messages, %d of %d grants were told of", n, spoken[false], grants)
		}
		for i := range grants {
			h.register(fmt.Sprintf("rest-%03d", i))
		}
		h.live(10*time.Minute, 10*time.Second)
		if n := count(h.messages()); n > 20 || spoken[true] != grants {
			t.Errorf("%d messages, %d of %d recoveries were told of", n, spoken[true], grants)
		}
	})
}

func TestAPagerThatIsAwayLearnsWhatIsSoWhenItIsBack(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		token := h.register("rest-2").RefreshToken
		h.live(60*day, 6*time.Hour)
		h.pager.set(true)
		h.live(20*day, time.Hour)
		h.webex.Revoke(token)
		h.refresh("rest-2")
		h.register("rest-2")
		h.restart()
		before := h.pager.attempts
		h.live(day, 10*time.Second)
		if tried := h.pager.attempts - before; tried < 100 || tried > 200 {
			t.Errorf("%d attempts in a day", tried)
		}
		f := h.alerts.Figures()
		if len(f) != 2 || f[1].Way != "webhook" || f[1].Failed < 100 || f[1].Told != 0 || f[1].Waiting != 1 || f[1].Error != "post alert to pager.test: no route to host" {
			t.Errorf("figures are %+v", f)
		}
		h.pager.set(false)
		h.live(10*time.Minute, 10*time.Second)
		if f := h.alerts.Figures(); f[1].Error != "" || f[1].Waiting != 0 {
			t.Errorf("once it is back, figures are %+v", f)
		}
		// Neither the time that is no longer the nearest nor what came and went.
		h.hears("window rest-1 14d")
		log := h.log.String()
		for line, times := range map[string]int{
			"alert not delivered, trying again": 2, // before the restart and after it
			"alerts are delivered again":        1,
		} {
			if n := strings.Count(log, line); n != times {
				t.Errorf("%q stands %d times in the log", line, n)
			}
		}
		if strings.Contains(log, "/alerts") {
			t.Error("the log shows the path of the webhook")
		}
	})
}

func TestWhatComesUpAgainHasAnotherIDForThoseWhoWereToldThatItWasOver(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		refused := lab.Reply(400, nil, `{"error":"invalid_grant"}`)
		h.webex.Script(refused)
		h.refresh("rest-1")
		h.pager.set(true) // so that it stays untold there that it is over
		for range 3 {
			time.Sleep(2 * time.Minute)
			h.refresh("rest-1")
			h.live(day, time.Minute)
			h.webex.Script(refused)
			h.refresh("rest-1")
		}
		ids := regexp.MustCompile(`kind=consent id=(\S+)`).FindAllStringSubmatch(h.log.String(), -1)
		seen := make(map[string]bool)
		for _, id := range ids {
			if seen[id[1]] {
				t.Errorf("the log tells %s twice", id[1])
			}
			seen[id[1]] = true
		}
		if len(seen) < 7 {
			t.Errorf("it tells only %d times of 7", len(seen))
		}
	})
}

func TestAFullStoreDoesNotKeepAnybodyFromBeingTold(t *testing.T) {
	inBubble(t, fixed, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(61*day, 6*time.Hour)
		h.full.Store(true)
		h.dead.Store(true)
		h.live(2*day, time.Hour)
		heard := strings.Join(h.heard(), "\n")
		if !strings.Contains(heard, "window rest-1 28d") {
			t.Errorf("heard %s", heard)
		}
		h.full.Store(false)
		h.dead.Store(false)
		h.live(time.Hour, time.Minute)
		h.heard()
		h.restart()
		h.hears()
	})
}

func TestMoreGrantsThanCanBeToldOneByOneAreCounted(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.stop()
		h.pager.set(true)
		h.fill(4096)
		h.start()
		for i := range 3 {
			h.take(fmt.Sprint("bot-", i), fmt.Sprintf(`{"access_token":"a%d","expires_in":86000}`, i))
		}
		// Its event makes this one looked at, and the walk once more.
		h.take("bot-3", `{"access_token":"a3","expires_in":1}`)
		time.Sleep(time.Second)
		h.live(20*time.Second, 10*time.Second)
		if strings.Contains(h.log.String(), "kind=token") || !strings.Contains(h.log.String(), "so many grants are in trouble that 4 are not told one by one") {
			t.Errorf("the log says %s", h.log.String())
		}
		h.pager.set(false)
		h.live(2*time.Minute, 20*time.Second)
		recovered, told := 0, 0
		for _, m := range h.messages() {
			switch {
			case m.Kind == "damaged" && m.Resolved:
				recovered += m.Count
			case m.Kind == "token":
				told += m.Count
			}
		}
		if recovered != 4096 || told != 3 {
			t.Errorf("once there is room, over for %d, and told of %d", recovered, told)
		}
		if !strings.Contains(h.log.String(), "alert is over: kind=crowd") {
			t.Error("the crowd stays")
		}
	})
}

// fill stores as many alerts on grants that are gone, of which the pager knows.
func (h *host) fill(entries int) {
	h.t.Helper()
	var sheets [32]map[string]any
	for i := range entries {
		key := fmt.Sprintf("damaged/gone-%d", i)
		hash := fnv.New32a()
		hash.Write([]byte(key))
		sheet := &sheets[hash.Sum32()%32]
		if *sheet == nil {
			*sheet = make(map[string]any)
		}
		(*sheet)[key] = map[string]any{"since": time.Now(), "stage": 0, "times": 1, "told": map[string]int{"webhook": 0}}
	}
	for i, sheet := range sheets {
		value, err := json.Marshal(sheet)
		if err == nil {
			_, err = h.memory.SwapBlob(h.t.Context(), fmt.Sprintf("alert/%02x", i), store.Any, value)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestAMessageOnManySpeaksOfTheFirstToEnd(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		for i := range 13 { // the later in the alphabet the sooner, but for one
			h.take(fmt.Sprintf("bot-%02d", i), fmt.Sprintf(`{"access_token":"a%d","expires_in":%d}`, i, 80000-100*(7*i%13)))
		}
		h.sweep()
		messages := h.messages()
		if len(messages) != 1 || messages[0].Count != 13 || messages[0].Grants[0] != "bot-11" ||
			time.Until(*messages[0].WindowEndsAt) != 78800*time.Second {
			t.Errorf("told %+v", messages)
		}
	})
}

// A stream delivers what a test sends.
type stream chan []event.Event

func (s stream) Next(ctx context.Context) ([]event.Event, error) {
	select {
	case list := <-s:
		return list, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s stream) Close() {}

func TestEventsThatWereLostMakeALookAtEverything(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		lossy := make(stream)
		h.events = lossy
		h.restart()
		h.webex.Revoke(h.register("rest-1").RefreshToken)
		for range 3 { // until it is given up
			h.refresh("rest-1")
			time.Sleep(6 * time.Minute)
		}
		h.hears()
		lossy <- []event.Event{{Kind: event.Skipped}}
		synctest.Wait()
		h.hears("consent rest-1 0s")
	})
}
