package accounts_test

import (
	"testing"

	"webex-tokend/daemon/accounts"
)

func TestNamesAndNumbersOfAccountsAreFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  uint32
		known bool
	}{
		{"root", 0, true},
		{"0", 0, true},
		{"41414", 41414, true},           // nobody's, and a number all the same
		{"4294967294", 4294967294, true}, // the last that an account can have
		{"4294967295", 0, false},         // chown(2) takes it for "as it is"
		{"4294967296", 0, false},
		{"-1", 0, false},
		{"", 0, false},
		{"no-such-account", 0, false},
	} {
		for kind, find := range map[string]func(string) (uint32, error){"user": accounts.UserID, "group": accounts.GroupID} {
			if got, err := find(c.name); got != c.want || (err == nil) != c.known {
				t.Errorf("%s %q: %d and %v", kind, c.name, got, err)
			}
		}
	}
	if got := accounts.UserName(0); got != "root" {
		t.Errorf("user 0 is %q", got)
	}
	if got := accounts.UserName(4_242_424_242); got != "user 4242424242" {
		t.Errorf("a user that nobody is: %q", got)
	}
}
