package acl

import "testing"

func TestANamespaceMapsAllNumbersOrSome(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"the initial one maps all":           {"         0          0 4294967295\n", true},
		"two lines may cover all":            {"0 0 1000\n1000 1000 4294966295\n", true},
		"that of a container maps some":      {"         0     100000      65536\n", false},
		"that of a single user maps one":     {"1000 0 1\n", false},
		"one that was not written yet":       {"", false},
		"what cannot be read counts as some": {"0 0 many\n", false},
		"a line of another form":             {"4294967295\n", false},
	} {
		if mapsAll(test.text) != test.want {
			t.Errorf("%s: not so", name)
		}
	}
}
