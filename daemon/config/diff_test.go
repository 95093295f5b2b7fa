package config_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"webex-tokend/daemon/config"
)

func many(n int) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("g%d", i))
	}
	return names
}

func TestAReloadThatLosesMuchIsDrastic(t *testing.T) {
	for name, test := range map[string]struct {
		old, new []string
		want     bool
	}{
		"nothing changes":                         {many(5), many(5), false},
		"one of ten goes":                         {many(10), many(9), false},
		"one of nine goes":                        {many(9), many(8), true},
		"ten of two hundred go":                   {many(200), many(190), false},
		"eleven of two hundred go":                {many(200), many(189), true},
		"all go":                                  {many(3), nil, true},
		"many come":                               {nil, many(100), false},
		"a pattern goes":                          {append(many(20), "t-*"), many(20), true},
		"a shorter pattern takes over":            {append(many(20), "t-*"), append(many(20), "*"), false},
		"an exact name is no heir of a pattern":   {append(many(20), "t-*"), append(many(20), "t-"), true},
		"grants that a pattern takes over remain": {many(20), []string{"g*"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := config.Compare(parse(t, declare(test.old...)), parse(t, declare(test.new...)))
			if got := d.Drastic(); got != test.want {
				t.Errorf("got %v, want %v; %+v", got, test.want, d.Grants)
			}
		})
	}
}

func TestADiffNamesWhatChanged(t *testing.T) {
	static := func(name, lines string) string {
		return fmt.Sprintf("integration %q {\n  kind = \"static\"\n%s}\n", name, lines)
	}
	old := parse(t, static("a", "")+static("b", "")+"grant \"x\" {\n integration = \"a\"\n}\ngrant \"y\" {\n integration = \"a\"\n}\n")
	now := parse(t, static("b", "  pkce = \"none\"\n")+static("a", "")+static("c", "")+
		"grant \"y\" {\n integration = \"b\"\n}\ngrant \"z\" {\n integration = \"a\"\n}\n")
	d := config.Compare(old, now)
	if want := (config.Change{Added: []string{"z"}, Removed: []string{"x"}, Changed: []string{"y"}}); !reflect.DeepEqual(d.Grants, want) {
		t.Errorf("grants: got %+v, want %+v", d.Grants, want)
	}
	if want := (config.Change{Added: []string{"c"}, Changed: []string{"b"}}); !reflect.DeepEqual(d.Integrations, want) {
		t.Errorf("integrations: got %+v, want %+v", d.Integrations, want)
	}
}

func TestOnlyARuleOrAnIntegrationReschedules(t *testing.T) {
	grant := func(name, lines string) string {
		return fmt.Sprintf("grant %q {\n  integration = \"crm\"\n%s}\n", name, lines)
	}
	early := "  refresh {\n    at = \"30%\"\n  }\n"
	nightly := "  refresh {\n    calendar = \"0 3 * * *\"\n  }\n"
	for name, test := range map[string]struct {
		old, new string
		moves    []string
	}{
		"the same file twice":           {grant("t-*", nightly), grant("t-*", nightly), nil},
		"another output":                {grant("ops", ""), grant("ops", "  file {\n    path = \"/run/webex-tokend/x\"\n  }\n"), nil},
		"another share of the life":     {grant("ops", ""), grant("ops", early), []string{"ops"}},
		"another calendar":              {grant("ops", ""), grant("ops", nightly), []string{"ops"}},
		"a pattern with another rule":   {grant("*", ""), grant("*", early), []string{"ops", "t-1"}},
		"a longer pattern takes over":   {grant("*", ""), grant("*", "") + grant("t-*", early), []string{"t-1"}},
		"a block goes to its pattern":   {grant("*", "") + grant("ops", early), grant("*", ""), []string{"ops"}},
		"a grant is no longer declared": {grant("*", "") + grant("ops", ""), grant("ops", ""), []string{"t-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := config.Compare(parse(t, crm+test.old), parse(t, crm+test.new))
			var moves []string
			for _, name := range []string{"ops", "t-1"} {
				if d.Moves(name) {
					moves = append(moves, name)
				}
			}
			if !slices.Equal(moves, test.moves) || d.Reschedules() != (len(test.moves) > 0) {
				t.Errorf("moves %v, reschedules %v, want %v", moves, d.Reschedules(), test.moves)
			}
		})
	}
}
