package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
)

func declare(names ...string) string {
	src := crm
	for _, name := range names {
		src += fmt.Sprintf("grant %q {\n  integration = \"crm\"\n}\n", name)
	}
	return src
}

func TestAnExactNameWinsThenTheLongestPrefix(t *testing.T) {
	c := parse(t, declare("t-*", "t-a-*", "t-a-1", "*"))
	for name, want := range map[string]string{
		"t-a-1": "t-a-1", "t-a-2": "t-a-*", "t-b": "t-*", "t-": "t-*", "t": "*", "ops": "*",
	} {
		if g, ok := c.Grant(name); !ok || g.Name != want {
			t.Errorf("%s: got %v, %v, want %s", name, g, ok, want)
		}
	}
}

func TestANameThatNoBlockSpeaksForIsNotDeclared(t *testing.T) {
	c := parse(t, declare("ops", "t-*"))
	for name, want := range map[string]bool{"ops": true, "t-1": true, "ops2": false, "t": false, "": false} {
		if got := c.Declared(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
	if got := c.ExactNames(); !slices.Equal(got, []string{"ops"}) {
		t.Errorf("exact names are %q", got)
	}
}

func TestAConfigPutTogetherByHandFindsItsGrants(t *testing.T) {
	c := config.Config{Grants: []*config.Grant{{Name: "ops"}}}
	if !c.Declared("ops") {
		t.Error("ops is not declared")
	}
}

func TestAPathCarriesTheNameOfItsGrant(t *testing.T) {
	c := parse(t, crm+`
grant "t-*" {
  integration = "crm"
  file {
    path = "/srv/{{.Grant}}/{{ .Grant }}.token"
  }
}
`)
	g, _ := c.Grant("t-1")
	if got := g.FilesFor("t-1")[0].Path; got != "/srv/t-1/t-1.token" {
		t.Errorf("got %s", got)
	}
	if got := g.FilesFor("t-2")[0].Path; got != "/srv/t-2/t-2.token" {
		t.Errorf("the second grant got %s", got)
	}
}

func TestARivalIsARegisteredGrantThatWritesTheSameFile(t *testing.T) {
	c := parse(t, crm+`
grant "t-*" {
  integration = "crm"
  file {
    path = "/run/webex-tokend/tokens/{{ .Grant }}"
  }
  file {
    path   = "/run/webex-tokend/tokens/{{ .Grant }}.env"
    format = "env"
  }
}
`)
	for name, test := range map[string]struct {
		grant, registered, want string
	}{
		"the longer name meets the shorter":           {"t-1.env", "t-1", "t-1"},
		"the shorter name meets the longer":           {"t-1", "t-1.env", "t-1.env"},
		"a name that is not registered is no rival":   {"t-1", "t-2.env", ""},
		"a grant is not its own rival":                {"t-1", "t-1", ""},
		"a name that nobody declared has no outputs":  {"ops", "t-1", ""},
		"a name that the pattern misses is no rival":  {"t-.env", "t", ""},
		"names that only look alike have other files": {"t-1.env", "t-1.env.env.env", ""},
	} {
		t.Run(name, func(t *testing.T) {
			rival, path, found := c.Rival(test.grant, func(n string) bool { return n == test.registered })
			if rival != test.want || found != (test.want != "") || found && !strings.HasSuffix(path, "t-1.env") {
				t.Errorf("got %q, %q, %v, want %q", rival, path, found, test.want)
			}
		})
	}
}

func TestACalendarSpeaksOfTheHostsTimeZone(t *testing.T) {
	zone := time.Local
	time.Local = time.FixedZone("host", 5*3600)
	t.Cleanup(func() { time.Local = zone })
	c := parse(t, crm+"grant \"ops\" {\n  integration = \"crm\"\n  refresh {\n    calendar = \"0 3 * * *\"\n  }\n}\n")
	got := c.Grants[0].Refresh.Calendar.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 1, 1, 22, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %v, want %v", got.UTC(), want)
	}
}

func BenchmarkGrantAmongManyPatterns(b *testing.B) {
	src := crm
	for i := range 1000 {
		src += fmt.Sprintf("grant \"p%d-*\" {\n  integration = \"crm\"\n}\n", i)
	}
	c, err := configfile.Parse([]byte(src), "config.hcl")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !c.Declared("p777-some-tenant") {
			b.Fatal("not declared")
		}
	}
}

func TestOutputsHoldTheNameOfTheirGrant(t *testing.T) {
	c := parse(t, crm+`
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
`)
	g, _ := c.Grant("t-1")
	var got []string
	for _, f := range g.FilesFor("t-1") {
		got = append(got, f.Path+" "+f.Format)
	}
	for _, h := range g.HooksFor("t-1") {
		got = append(got, strings.Join(h.Command, " ")+h.PIDFile)
	}
	want := []string{"/srv/t-1/token json", "/srv/t-1/token.meta.json meta", "/usr/bin/systemctl reload crm@t-1", "/run/crm/t-1.pid"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if g.Hooks[0].Command[2] != "crm@{{ .Grant }}" {
		t.Errorf("the block was changed: %q", g.Hooks[0].Command)
	}
}
