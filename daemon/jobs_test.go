package daemon

import (
	"testing"

	"webex-tokend/daemon/config"
)

// A reload parsed the specs of its jobs after the keeper, the rules and the
// publisher had taken the configuration, gave one job its new spec, and then
// answered that nothing had changed.
func TestSpecsThatDoNotParseAreFoundBeforeAnythingIsInForce(t *testing.T) {
	if _, err := parseSpecs(config.Maintenance{Sweep: "@every 1s", Backup: "0 3 * * *"}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []config.Maintenance{{Sweep: "@every 1s", Backup: "nonsense"}, {Sweep: "nonsense"}} {
		if s, err := parseSpecs(m); err == nil || s != (specs{}) {
			t.Errorf("%+v is taken: %v", m, err)
		}
	}
}
