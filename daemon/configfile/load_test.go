package configfile_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/plan"
)

func parse(t *testing.T, src string) *config.Config {
	t.Helper()
	c, err := configfile.Parse([]byte(src), "config.hcl")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnEmptyFileIsAConfigWithEveryDefault(t *testing.T) {
	c := parse(t, "")
	want := config.Config{
		Path:         "config.hcl",
		StateDir:     "/var/lib/webex-tokend",
		RuntimeDir:   "/run/webex-tokend",
		Log:          config.Log{Level: "info", Format: "text"},
		API:          config.API{Socket: "/run/webex-tokend/api.sock", Mode: 0o666, CredentialSocket: "/run/webex-tokend/credential.sock"},
		Seal:         config.Seal{KeyFile: "/etc/webex-tokend/store.key"},
		Alert:        config.Alert{Before: []time.Duration{28 * day, 14 * day, 7 * day, 3 * day, day, 12 * time.Hour}},
		Maintenance:  config.Maintenance{Sweep: "@every 1s", Keep: 7},
		Integrations: map[string]*config.Integration{},
	}
	if !reflect.DeepEqual(c, &want) {
		t.Errorf("got %+v, want %+v", c, &want)
	}
}

func TestTheSocketFollowsTheRuntimeFolder(t *testing.T) {
	if got := parse(t, `runtime_dir = "/tmp/x/"`).API.Socket; got != "/tmp/x/api.sock" {
		t.Errorf("got %s", got)
	}
}

func TestTheModeOfAFileFollowsItsGroup(t *testing.T) {
	c := parse(t, crm+`
grant "ops" {
  integration = "crm"
  file {
    path = "/run/webex-tokend/tokens/alone"
  }
  file {
    path  = "/run/webex-tokend/tokens/shared"
    group = "1000"
  }
  file {
    path  = "/run/webex-tokend/tokens/narrowed"
    group = "1000"
    mode  = "600"
  }
}
`)
	var modes []uint32
	for _, f := range c.Grants[0].Files {
		modes = append(modes, f.Mode)
	}
	if want := []uint32{0o600, 0o640, 0o600}; !reflect.DeepEqual(modes, want) {
		t.Errorf("got %o, want %o", modes, want)
	}
}

func TestARefreshRuleIsAShareOrATimeBeforeExpiry(t *testing.T) {
	for at, want := range map[string]config.Refresh{
		`"50%"`:   {Fraction: 0.5},
		`"12.5%"`: {Fraction: 0.125},
		`"6h"`:    {Before: 6 * time.Hour},
		`"1d12h"`: {Before: 36 * time.Hour},
	} {
		c := parse(t, crm+"grant \"ops\" {\n integration = \"crm\"\n refresh {\n at = "+at+"\n }\n}\n")
		if got := c.Grants[0].Refresh; got != want {
			t.Errorf("at = %s: got %+v, want %+v", at, got, want)
		}
	}
}

func TestTheStoreKeyHasItsPlaceWhetherNamedOrNot(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "/etc/webex-tokend/store.key",
		"seal {}\n":                              "/etc/webex-tokend/store.key",
		"seal {\n  key_file = \"/srv/key\"\n}\n": "/srv/key",
	} {
		if c := parse(t, text); c.Seal.KeyFile != want {
			t.Errorf("%q: the key is %s", text, c.Seal.KeyFile)
		}
	}
}

func TestASlowSweepIsWarnedAbout(t *testing.T) {
	for spec, want := range map[string]int{"@every 30s": 0, "* * * * *": 0, "@hourly": 1} {
		c := parse(t, "maintenance {\n  sweep = \""+spec+"\"\n}\n")
		if len(c.Warnings) != want || c.Maintenance.Sweep != spec {
			t.Errorf("%s: sweep %q, warnings %q", spec, c.Maintenance.Sweep, c.Warnings)
		}
	}
}

func TestTheExampleIsAcceptedOnAHostThatHasNoneOfItsFiles(t *testing.T) {
	c, err := configfile.Load("../../config.example.hcl", configfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(c.Path) {
		t.Errorf("path %s is relative", c.Path)
	}
}

func FuzzParse(f *testing.F) {
	seed, err := os.ReadFile("testdata/faults.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(seed), "\n-- ") {
		_, src, _ := strings.Cut(part, " --\n")
		f.Add(src + crm)
	}
	f.Fuzz(func(t *testing.T, src string) {
		c, err := configfile.Parse([]byte(src), "config.hcl")
		if err != nil {
			if err.Error() == "" {
				t.Error("a fault prints nothing")
			}
			return
		}
		for _, g := range c.Grants {
			if c.Integrations[g.Integration] == nil {
				t.Errorf("grant %q has no integration", g.Name)
			}
			if !g.Pattern() {
				if got, ok := c.Grant(g.Name); !ok || got != g {
					t.Errorf("grant %q is not found under its name", g.Name)
				}
			}
		}
		plan.Lines(c)
		plan.UnitNeeds(c)
	})
}
