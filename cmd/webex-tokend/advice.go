package main

import (
	"fmt"
	"strings"

	"webex-tokend/store"
)

// advice is an action as people read it. That of an unverified grant says the
// quickest way, which is right only for who knows that no later token was ever
// used; the sure way stands before it.
func advice(state, action string) string {
	name, adopts := strings.CutPrefix(action, "webex-tokend adopt ")
	if state != string(store.Unverified) || !adopts {
		return action
	}
	return fmt.Sprintf("surest: a new consent (webex-tokend authorize %s or import); %s if this copy holds the newest token", name, action)
}
