package plan_test

import (
	"strings"
	"testing"

	"webex-tokend/daemon/plan"
)

const outputs = crm + `
integration "bots" {
  kind = "static"
}
grant "ops" {
  integration = "crm"
  seed {
    file = "/etc/webex-tokend/seeds/ops.json"
  }
  refresh {
    at       = "6h"
    calendar = "0 3 * * *"
  }
  file {
    path  = "/srv/tokens/ops"
    owner = "1000"
    group = "crm"
  }
}
grant "t-*" {
  integration = "crm"
  file {
    path   = "/srv/{{ .Grant }}/token"
    format = "json"
    meta   = true
  }
  hook {
    command = ["/usr/bin/systemctl", "reload", "crm@{{.Grant}}"]
  }
  hook {
    pid_file = "/run/crm/{{ .Grant }}.pid"
  }
}
grant "bot" {
  integration = "bots"
}
alert {
  before              = ["14d", "12h"]
  command             = ["/usr/local/bin/page-someone", "--now"]
  webhook_url         = "https://hooks.example.com/T0ken"
  webhook_secret_file = "/etc/webex-tokend/webhook.secret"
}
`

func TestThePlanSaysWhenAndWhere(t *testing.T) {
	c := parse(t, outputs)
	want := `grant ops: rest integration crm, 6h before a token expires, at "0 3 * * *" where that is in time
  registers from /etc/webex-tokend/seeds/ops.json (auto)
  writes /srv/tokens/ops (raw, mode 0640, owner 1000, group crm)
grants t-*: rest integration crm, renewed after 50% of a token's life, 66% where it lives less than a day
  writes /srv/{{ .Grant }}/token (json, mode 0600, meta beside it)
  then runs /usr/bin/systemctl reload crm@{{ .Grant }} (at most 30s)
  then sends HUP to the process in /run/crm/{{ .Grant }}.pid
grant bot: static integration bots, never renewed
integration bots (static) speaks to
  API       https://webexapis.com/v1
integration crm (rest) speaks to
  tokens    https://webexapis.com/v1/access_token
  consent   https://webexapis.com/v1/authorize
  devices   https://webexapis.com/v1/device/authorize, https://webexapis.com/v1/device/token
  API       https://webexapis.com/v1
  revoking  https://idbroker.webex.com/idb/oauth2/v1/revoke
alerts: 14d, 12h before an end, and at once whatever needs attention
  runs /usr/local/bin/page-someone --now
  posts to https://hooks.example.com, signed with /etc/webex-tokend/webhook.secret
  writes to the log`
	if got := strings.Join(plan.Lines(c), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatTheUnitLacksIsNamed(t *testing.T) {
	c := parse(t, outputs)
	want := `files with an owner need the drop-in chown.conf, which grants CAP_CHOWN
hooks that call systemctl need a polkit rule such as webex-tokend.rules
what has a group needs SupplementaryGroups=crm
paths outside the unit's own folders need ReadWritePaths=/srv /srv/tokens`
	if got := strings.Join(plan.UnitNeeds(c), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c = parse(t, crm+`
alert {
  command = ["/usr/bin/systemctl", "start", "page.service"]
}
`)
	want = "hooks that call systemctl need a polkit rule such as webex-tokend.rules"
	if got := strings.Join(plan.UnitNeeds(c), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c = parse(t, crm+`
state_dir   = "/srv/state"
runtime_dir = "/srv/run"
grant "ops" {
  integration = "crm"
  file {
    path = "/srv/run/tokens/ops"
  }
}
`)
	want = "paths outside the unit's own folders need ReadWritePaths=/srv/run /srv/state"
	if got := strings.Join(plan.UnitNeeds(c), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	c = parse(t, crm+`
maintenance {
  textfile = "/srv/metrics/webex-tokend.prom"
}
`)
	want = "paths outside the unit's own folders need ReadWritePaths=/srv/metrics"
	if got := strings.Join(plan.UnitNeeds(c), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := plan.UnitNeeds(parse(t, declare("ops"))); len(got) != 0 {
		t.Errorf("a plain config needs %q", got)
	}
}
