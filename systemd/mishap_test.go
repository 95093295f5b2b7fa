package systemd_test

import (
	"regexp"

	"webex-tokend/daemon/alert"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

// A mishap is one way in which grant "ops" goes wrong. It must be seen right
// after the refreshes that bring it to light, and be over after the action that
// status prints.
type mishap struct {
	name      string
	happens   func(w *walker)
	refreshes int
	status    string // a pattern in what status prints
	code      int    // of check
	check     string // a pattern in what check prints
	page      string // a pattern in the page
	metric    string // a pattern in the metrics
	alert     alert.Kind
	// over ends what no command of ours can; nil: nothing is to be ended.
	over func(w *walker)
	// follow does what the output of the action asks for; nil: nothing.
	follow func(w *walker, printed string)
}

func mishaps() []mishap {
	return []mishap{
		{
			name: "the grant is revoked at Webex",
			happens: func(w *walker) {
				for id, token := range w.webex.RefreshTokens() {
					if g, _ := w.webex.Grant(id); g.Email != otherPerson {
						w.webex.Revoke(token)
					}
				}
			},
			refreshes: 1,
			status:    `! ops +rest +retrying .* webex-tokend authorize ops +refresh token rejected`,
			code:      2,
			check:     `CRITICAL - ops retrying \(refresh token rejected\)`,
			page:      `1 grant needs attention(.|\n)*>refresh token rejected<`,
			metric:    `webex_tokend_grants{state="retrying"} 1`,
			alert:     alert.Consent,
		},
		{
			name:      "the client secret is wrong",
			happens:   func(w *walker) { w.webex.RotateSecret(clientID) },
			refreshes: 1,
			status:    `! ops +rest +misconfigured .* webex-tokend validate`,
			code:      2,
			check:     `CRITICAL - .*ops misconfigured`,
			page:      `2 grants need attention`,
			metric:    `webex_tokend_grants{state="misconfigured"} 2`,
			alert:     alert.Client,
			follow: func(w *walker, printed string) {
				place := regexp.MustCompile(`integration crm: its client is refused .* the secret in (\S+)`).FindStringSubmatch(printed)
				if place == nil {
					w.t.Fatalf("nobody says where the secret is: %s", printed)
				}
				w.write(place[1], w.webex.Client(emulator.REST).Secret)
				w.run("webex-tokend refresh ops")
			},
		},
		{
			name:      "Webex is down",
			happens:   func(w *walker) { w.webex.Down(true) },
			refreshes: 3,
			status:    `\* ops +rest +unknown .* webex-tokend refresh ops +connection lost`,
			code:      1,
			check:     `WARNING - ops unknown`,
			page:      `connection lost`,
			metric:    `webex_tokend_grant_failures{grant="ops",.*} 3`,
			alert:     alert.Failing,
			over:      func(w *walker) { w.webex.Down(false) },
		},
		{
			name: "the window is near its end",
			happens: func(w *walker) {
				w.webex.Script(lab.Alter(func(fields map[string]any) { fields["refresh_token_expires_in"] = 2 * 24 * 3600 }))
			},
			refreshes: 1,
			status:    `1 needs attention now(.|\n)*! ops +rest +ok .* webex-tokend authorize ops +window ends`,
			code:      2,
			check:     `CRITICAL - ops window ends in 1d 23h`,
			page:      `1 grant needs attention(.|\n)*>window ends<`,
			metric:    `webex_tokend_grant_window_remaining_seconds{grant="ops",.*} 172[0-9]{3}\.`,
			alert:     alert.Window,
		},
		{
			name: "the disk is full",
			happens: func(w *walker) {
				w.try("cat /dev/zero >/var/lib/webex-tokend/dump")
				// Room that the store has in its file lasts for a while.
				w.run("n=0; while head -c 3000 /dev/zero | tr '\\0' x | webex-tokend import bot-$n -; do n=$((n+1)); done 2>&1 | tail -n 1")
			},
			refreshes: 1,
			status:    `human action needed now\n.*the store refuses to be written.*no space left on device`,
			code:      2,
			check:     `CRITICAL - the store refuses to be written.*no space left on device`,
			page:      `The store refuses to be written`,
			metric:    `webex_tokend_store_writable 0`,
			alert:     alert.Store,
			follow: func(w *walker, printed string) {
				if !regexp.MustCompile(`100% /var/lib/webex-tokend`).MatchString(printed) {
					w.t.Fatalf("nobody says that the disk is full: %s", printed)
				}
				w.run("rm /var/lib/webex-tokend/dump")
			},
		},
		{
			// It can tell nobody itself; who asks it does. So does the rule
			// WebexTokendAway, which promtool tests.
			name:    "the daemon is stopped",
			happens: func(w *walker) { w.run("systemctl stop webex-tokend") },
			status:  `daemon is not reachable`,
			code:    2,
			check:   `CRITICAL - daemon is not reachable`,
			page:    `connection refused`,
			metric:  `Couldn't connect to server`,
		},
	}
}
