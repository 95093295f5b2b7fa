package main

import "webex-tokend/store"

// A stateText is what a state means and what is to be done about it, in the
// words of the manual.
type stateText struct {
	state     store.State
	means, do string
}

// stateTexts has the states as an operator meets them: first those of a grant
// that begins, then those that recover by themselves, then those that need attention.
func stateTexts() []stateText {
	return []stateText{
		{store.OK, "its token is good and renewed in time", "nothing"},
		{store.Pending, "declared, nothing registered", "`authorize`, or `import`"},
		{store.Retrying, "the last refresh failed; the daemon tries again", "wait; with reason `refresh_token_rejected`: `authorize` or `import`"},
		{store.Unknown, "sent, and no answer came; it is asked for again", "wait"},
		{store.Misconfigured, "the client was refused, for all grants of the integration", "fix ID or secret; a new secret is noticed"},
		{store.Reauthorize, "the refresh token is refused for good, as after a password change at Webex; or a static token ended", "`authorize`, or `import`"},
		{store.Paused, "by `pause`, or no longer declared (`undeclared`)", "`resume`, or declare it"},
		{store.Unpersisted, "the disk refuses an answer, which is held in memory and, sealed, in `spool` of the runtime folder; nothing else is sent",
			"make room; do not reboot the host"},
		{store.Damaged, "the record does not open; others go on", "`import`"},
		{store.Unverified, "the store was put back from a backup, and this refresh token may be used up; it is not sent",
			"`import`, or `adopt` if you know better"},
	}
}
