package main

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
)

// A setting is a line of the manual: = `key`: type, default `value`.
type setting struct{ section, key, value string }

func settings(t *testing.T) []setting {
	t.Helper()
	line := regexp.MustCompile("^(?:# (.*)|= `([a-z_]+)`: [^`]*?(?:, default `(.*)`)?)$")
	var all []setting
	section := ""
	for text := range strings.Lines(source(t, "webex-tokend.hcl.5")) {
		switch m := line.FindStringSubmatch(strings.TrimSuffix(text, "\n")); {
		case m == nil:
		case m[1] != "":
			section = strings.ToLower(m[1])
		default:
			all = append(all, setting{section, m[2], m[3]})
		}
	}
	if len(all) < 70 {
		t.Fatalf("only %d settings are found", len(all))
	}
	return all
}

// That the example has every key of the grammar is tested beside the grammar.
func TestTheManualHasEverySettingOfTheExample(t *testing.T) {
	content, err := os.ReadFile("../../config.example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	var told []string // section key
	for _, s := range settings(t) {
		told = append(told, s.section+" "+s.key)
	}
	var shown []string
	blocks := []string{"top level"}
	open := regexp.MustCompile(`^([a-z]+)( "[^"]*")? \{$`)
	assigned := regexp.MustCompile(`^([a-z_]+) += `)
	here := false // inside a text of several lines
	for line := range strings.Lines(string(content)) {
		line = strings.Trim(line, "# \t\n")
		if here {
			here = line != "EOT"
			continue
		}
		here = strings.HasSuffix(line, "<<-EOT")
		if m := open.FindStringSubmatch(line); m != nil {
			blocks = append(blocks, m[1])
		} else if m := assigned.FindStringSubmatch(line); m != nil {
			shown = append(shown, blocks[len(blocks)-1]+" "+m[1])
		} else if line == "}" {
			blocks = blocks[:len(blocks)-1]
		}
	}
	if len(blocks) != 1 || !slices.Contains(shown, "refresh calendar") || !slices.Contains(shown, "file template") {
		t.Fatalf("the example is not understood: %v in %v", shown, blocks)
	}
	for _, s := range shown {
		if !slices.Contains(told, s) {
			t.Errorf("the manual lacks %s", s)
		}
	}
	for _, s := range told {
		if !slices.Contains(shown, s) {
			t.Errorf("the manual tells of %s, which the example does not have", s)
		}
	}
}

// surroundings of a setting, or of all settings of a section, make a
// configuration that is valid with and without it; HERE is its place.
func surroundings() map[string]string {
	return map[string]string{
		"top level":   "HERE",
		"api":         "api {\nHERE\n}",
		"http":        "http {\nHERE\n}",
		"seal":        "seal {\nHERE\n}",
		"store":       "store {\nHERE\n}",
		"etcd":        "store {\nengine = \"etcd\"\netcd {\nendpoints = [\"https://etcd-1:2379\"]\nHERE\n}\n}",
		"alert":       "alert {\nHERE\n}",
		"maintenance": "maintenance {\nHERE\n}",
		"integration": "integration \"x\" {\nkind = \"rest\"\nclient_id = \"C0ffee\"\nclient_secret_file = \"/secret\"\nsite = \"acme\"\nHERE\n}",
		"seed":        bot("seed {\nfile = \"/seed\"\nHERE\n}"),
		"refresh":     bot("refresh {\nHERE\n}"),
		"file":        bot("file {\npath = \"/run/webex-tokend/x\"\nformat = \"env\"\nHERE\n}"),
		"file format": bot("file {\npath = \"/run/webex-tokend/x\"\nHERE\n}"),
		"hook":        bot("hook {\ncommand = [\"/bin/true\"]\nHERE\n}"),
		"hook signal": bot("hook {\npid_file = \"/x.pid\"\nHERE\n}"),
	}
}

func bot(block string) string {
	return "integration \"x\" {\nkind = \"static\"\n}\ngrant \"x\" {\nintegration = \"x\"\n" + block + "\n}"
}

func TestTheDefaultsInTheManualAreTheDefaults(t *testing.T) {
	all := settings(t)
	var endpoints strings.Builder // one of them alone would move the others to its host
	for _, s := range all {
		if s.section == "integration" && strings.HasSuffix(s.key, "_url") && s.value != "" {
			fmt.Fprintf(&endpoints, "%s = %s\n", s.key, s.value)
		}
	}
	for _, s := range all {
		if s.value == "" {
			continue
		}
		around := cmp.Or(surroundings()[s.section+" "+s.key], surroundings()[s.section])
		if around == "" {
			t.Errorf("%s, %s: the default is not tested", s.section, s.key)
			continue
		}
		read := func(line string) *config.Config {
			c, err := configfile.Parse([]byte(strings.Replace(around, "HERE", line, 1)), "config.hcl")
			if err != nil {
				t.Fatalf("%s, %s: %v", s.section, s.key, err)
			}
			c.Warnings = nil
			return c
		}
		line := s.key + " = " + s.value
		if strings.Contains(endpoints.String(), line+"\n") {
			line = endpoints.String()
		}
		if with, without := read(line), read(""); !reflect.DeepEqual(with, without) {
			t.Errorf("%s, %s: %s is not the default", s.section, s.key, s.value)
		}
	}
}
