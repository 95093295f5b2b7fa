// Package crash holds nothing but harnesses: the parts of the daemon run as
// another process, which is killed, whose files fail, whose disk fills up, and
// an emulated Webex in this one is the oracle of what was lost.
//
// A grant is lost when the refresh tokens that its store still knows are all
// dead at the server. The server rotates them, so that each answer which does
// not become durable costs one, unless the server still takes the token before
// it: that is its grace.
//
// The rounds of the random harnesses are few here; WEBEX_TOKEND_ROUNDS sets
// another number. What takes minutes runs under CI=true or with that number.
package crash_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// roleVariable makes the test binary play the other process.
const roleVariable = "WEBEX_TOKEND_TEST_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		goleak.VerifyTestMain(m)
		return
	case "refresh":
		err = refreshOnce(os.Args[1], os.Args[2])
	case "examine":
		err = examineDamages(os.Args[1], os.Args[2])
	case "daemon":
		err = runDaemon(os.Args[1])
	default:
		err = fmt.Errorf("unknown role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// rounds is how often a random harness repeats itself.
func rounds(t *testing.T, usual int) int {
	if testing.Short() {
		t.Skip("random harnesses are not short")
	}
	text := os.Getenv("WEBEX_TOKEND_ROUNDS")
	switch {
	case text == "" && !thorough():
		return (usual + 1) / 2
	case text == "":
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// thorough reports that time is no object.
func thorough() bool {
	return os.Getenv("CI") == "true" || os.Getenv("WEBEX_TOKEND_ROUNDS") != ""
}
