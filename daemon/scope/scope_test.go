package scope_test

import (
	"testing"

	"webex-tokend/daemon/scope"
)

func TestAMisspeltScopeIsNearTheOneThatWasMeant(t *testing.T) {
	for text, want := range map[string]string{
		"spark:room_read":        "spark:rooms_read",
		"spark:rooms-read":       "spark:rooms_read",
		"Spark:People_Read":      "spark:people_read",
		"people_read":            "spark:people_read",
		"spark.messages_write":   "spark:messages_write",
		"meeting:schedule_read":  "meeting:schedules_read",
		"allread":                "all_read",
		"spark:rooms_read":       "",
		"something:else_entirly": "",
		"":                       "",
	} {
		if got := scope.Near(text); got != want {
			t.Errorf("%q is near %q, not %q", text, got, want)
		}
	}
}

func TestScopesThatGuidesNameAreKnown(t *testing.T) {
	for _, s := range []string{"spark:all", "identity:groups_read", "meeting:admin_schedule_read", "spark:applications_token",
		"all_read", "setting_modify", "spark:rooms_read", "spark-admin:people_write"} {
		if !scope.Known(s) {
			t.Errorf("%s is not known", s)
		}
	}
	for _, u := range append(scope.Common(), scope.Meetings()...) {
		if !scope.Known(u.Scope) {
			t.Errorf("%s is shown and not known", u.Scope)
		}
	}
}
