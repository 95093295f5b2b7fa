package plan_test

import (
	"fmt"
	"reflect"
	"testing"

	"webex-tokend/daemon/plan"
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
			d := plan.Compare(parse(t, declare(test.old...)), parse(t, declare(test.new...)))
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
	d := plan.Compare(old, now)
	if want := (plan.Change{Added: []string{"z"}, Removed: []string{"x"}, Changed: []string{"y"}}); !reflect.DeepEqual(d.Grants, want) {
		t.Errorf("grants: got %+v, want %+v", d.Grants, want)
	}
	if want := (plan.Change{Added: []string{"c"}, Changed: []string{"b"}}); !reflect.DeepEqual(d.Integrations, want) {
		t.Errorf("integrations: got %+v, want %+v", d.Integrations, want)
	}
}
