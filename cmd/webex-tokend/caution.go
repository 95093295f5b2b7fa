package main

import (
	"fmt"
	"strings"

	"webex-tokend/store"
)

// caution is what there is to know before an action is taken; empty: nothing.
// That of an unverified grant is right only for who knows that no later token was
// ever used.
func caution(state, action string) string {
	name, adopts := strings.CutPrefix(action, "webex-tokend adopt ")
	if state != string(store.Unverified) || !adopts {
		return ""
	}
	return fmt.Sprintf("only if this copy holds the newest token; a new consent is sure: webex-tokend authorize %s, or import", name)
}
