package draft_test

import (
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/draft"
)

func rest(name, grant string) draft.Draft {
	return draft.Draft{Integration: name, Grant: grant, Settings: []draft.Setting{
		{Key: "kind", Text: "rest"},
		{Key: "client_id", Text: `C0"ffee${x}%{y}\`},
		{Key: "client_secret_file", Text: "/etc/webex-tokend/" + name + ".secret"},
		{Key: "scopes", Texts: []string{"spark:rooms_read", "spark:people_read"}},
	}}
}

func TestWhatIsThereStaysByteByByte(t *testing.T) {
	for name, src := range map[string]string{
		"nothing":               "",
		"comments alone":        "# mine\n\n#   keep   this\n",
		"no newline at the end": "log_level=\"debug\"",
		"odd layout":            "integration   \"a\" {kind=\"static\"}\n\n\n\ngrant \"b\"   {\n\tintegration=\"a\"   # here\n}\n",
		"lines of Windows":      "# mine\r\nlog_level = \"debug\"\r\n",
		"an http block":         "http {\n  listen = \"127.0.0.1:9000\"\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := rest("crm", "ops")
			d.Pages = true
			got, err := d.Add([]byte(src))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(got), src) {
				t.Errorf("changed:\n%s", got)
			}
			cfg, err := configfile.Parse(got, "config.hcl")
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if cfg.Integrations["crm"].ClientID != `C0"ffee${x}%{y}\` || cfg.HTTP == nil {
				t.Errorf("not as drafted:\n%s", got)
			}
			if strings.Contains(src, "\r\n") && strings.Contains(strings.ReplaceAll(string(got), "\r\n", ""), "\n") {
				t.Error("ends of lines are mixed")
			}
		})
	}
}

func TestNothingIsAddedTwice(t *testing.T) {
	src, err := rest("crm", "ops").Add(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []draft.Draft{rest("crm", "other"), rest("other", "ops")} {
		if _, err := d.Add(src); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("added %s and %s: %v", d.Integration, d.Grant, err)
		}
	}
	more, err := draft.Draft{Integration: "crm", Grant: "reports"}.Add(src)
	if err != nil || !strings.Contains(string(more), `grant "reports"`) || strings.Count(string(more), "integration \"crm\"") != 1 {
		t.Errorf("a grant alone: %v\n%s", err, more)
	}
	if _, err := rest("crm", "ops").Add([]byte("grant {")); err == nil {
		t.Error("what is no HCL is added to")
	}
}

func TestADraftHasTheFormOfTheFormatter(t *testing.T) {
	d := rest("crm", "ops")
	d.Settings[1].Text = "C0ffee"
	d.Folder = &draft.Folder{State: "/home/al/webex/state", Runtime: "/home/al/webex/run", Key: "/home/al/webex/store.key"}
	d.Pages = true
	d.File = &draft.File{Path: "/home/al/webex/run/tokens/ops", Format: "header"}
	got, err := d.Add(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `state_dir   = "/home/al/webex/state"
runtime_dir = "/home/al/webex/run"

seal {
  key_file = "/home/al/webex/store.key"
}

http {
}

integration "crm" {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "/etc/webex-tokend/crm.secret"
  scopes             = ["spark:rooms_read", "spark:people_read"]
}

grant "ops" {
  integration = "crm"
  file {
    path   = "/home/al/webex/run/tokens/ops"
    format = "header"
  }
}
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
}
