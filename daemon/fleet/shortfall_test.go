package fleet_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store"
)

func TestALifeThatIsShorterThanTheRuleReckonsWithIsToldOnce(t *testing.T) {
	for name, test := range map[string]struct {
		integration, refresh string
		life                 time.Duration
		want                 string
	}{
		"shorter than min_interval":            {"", "", 20 * time.Second, "tokens_live_shorter_than_min_interval"},
		"shorter than the time before expiry":  {"", `refresh { at = "6h" }`, 2 * time.Hour, "tokens_live_shorter_than_refresh_at"},
		"as long as the time before expiry":    {"", `refresh { at = "2h" }`, 2 * time.Hour, "tokens_live_shorter_than_refresh_at"},
		"long enough for the time before":      {"", `refresh { at = "1h" }`, 2 * time.Hour, ""},
		"long enough for another min_interval": {`min_interval = "1s"`, "", 20 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told bytes.Buffer
				lives := map[emulator.Kind]emulator.Life{emulator.REST: {Access: test.life, Refresh: 90 * 24 * time.Hour}}
				h := &host{t: t, dir: ramDir(t), webex: emulator.New(emulator.Config{Calm: true, Lives: lives}), told: &told}
				h.configure(fmt.Sprintf(`
integration "brief" {
  kind               = "rest"
  client_id          = %q
  client_secret_file = "SECRET"
  token_url          = "https://webex.test/v1/access_token"
  %s
}
grant "brief" {
  integration = "brief"
  %s
}
`, h.webex.Client(emulator.REST).ID, test.integration, test.refresh))
				h.start()
				defer h.stop()

				h.register("brief", emulator.REST)
				h.is("brief", store.OK, test.want)
				h.live(3*max(test.life, time.Minute), time.Minute)
				if g := h.is("brief", store.OK, test.want); g.Generation < 3 {
					t.Errorf("generation %d, so there was nothing to repeat", g.Generation)
				}
				lines := strings.Count(told.String(), "renewed at another time than the configuration says")
				if lines != 1 && test.want != "" || lines != 0 && test.want == "" {
					t.Errorf("told %d times:\n%s", lines, &told)
				}
			})
		})
	}
}
