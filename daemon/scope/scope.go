// Package scope knows the scopes that Webex documents, so that a misspelt one is
// found before a person is sent to a consent that must fail.
package scope

import (
	"slices"
	"strings"
)

// A Use says what a common scope allows and which calls need it.
type Use struct {
	Scope, Allows, Calls string
}

// Common lists the scopes that most integrations of the REST API ask for.
func Common() []Use {
	return []Use{
		{"spark:people_read", "who is signed in, and the people of the company", "GET /people/me, /people"},
		{"spark:rooms_read", "titles of the spaces that the person is in", "GET /rooms"},
		{"spark:rooms_write", "make and change spaces", "POST /rooms"},
		{"spark:memberships_read", "who is in a space", "GET /memberships"},
		{"spark:messages_read", "read messages", "GET /messages"},
		{"spark:messages_write", "send messages", "POST /messages"},
		{"meeting:schedules_read", "read meetings", "GET /meetings"},
		{"meeting:schedules_write", "schedule meetings", "POST /meetings"},
		{"meeting:recordings_read", "read recordings", "GET /recordings"},
		{"spark-admin:people_read", "the people of the organisation; admins only", "GET /people as an admin"},
		{"spark:applications_token", "make tokens of service apps", "POST /applications/{id}/token"},
		{"spark:all", "all that the person may do in Webex messaging", "most calls of messaging"},
	}
}

// Meetings lists the five scopes of Meetings integrations, which are all there
// are.
func Meetings() []Use {
	return []Use{
		{"all_read", "read all that the person may see", "Get and Lst requests"},
		{"user_modify", "change users", "SetUser"},
		{"meeting_modify", "schedule and change meetings", "CreateMeeting, SetMeeting"},
		{"recording_modify", "change recordings", "SetRecordingInfo"},
		{"setting_modify", "change settings of the site; admins only", "SetSite"},
	}
}

// Known reports whether Webex documents a scope. A list like this one is never
// complete: that a scope is not known is a reason to look twice, no more.
func Known(s string) bool {
	return slices.Contains(all(), s) ||
		slices.ContainsFunc(Meetings(), func(u Use) bool { return u.Scope == s })
}

// Near returns the known scope that a misspelt one was probably meant to be;
// empty where none is near. A scope that is known is meant.
func Near(s string) string {
	if Known(s) {
		return ""
	}
	var list []string // common ones first, since the first of two that are as near is taken
	for _, u := range append(Common(), Meetings()...) {
		list = append(list, u.Scope)
	}
	list = append(list, all()...)
	// What is typed without its first part, or with another mark between the
	// parts, is nearer than letters alone would say.
	bare := func(s string) string {
		s = strings.ToLower(s)
		_, last, found := strings.Cut(s, ":")
		if !found {
			last = s
		}
		return strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(last)
	}
	best, least := "", 4
	for _, known := range list {
		d := distance(strings.ToLower(s), known)
		if bare(known) == bare(s) {
			d = min(d, 2)
		}
		if d < least {
			best, least = known, d
		}
	}
	return best
}

// distance counts the letters to insert, drop or change between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}
