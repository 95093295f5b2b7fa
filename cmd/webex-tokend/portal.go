package main

import (
	"fmt"
	"strings"

	"webex-tokend/daemon/config"
)

// tellPortal says what to enter at the developer portal, before the questions
// for what the portal answers.
func (s *setup) tellPortal() {
	if s.questions == nil {
		return
	}
	on := screenOf(s.c.err)
	say := func(format string, args ...any) { fmt.Fprintf(s.c.err, format+"\n", args...) }
	scopes := strings.Fields(s.values["scopes"])
	switch config.Kind(s.values["kind"]) {
	case config.REST:
		say("\n%s", on.paint(bold, "At https://developer.webex.com: sign in, then your picture, My Webex Apps,"))
		say("%s", on.paint(bold, "Create a New App, Create an Integration. Enter there:"))
		say("  Redirect URI(s)   %s", s.values["redirect_url"])
		for n, name := range scopes {
			say("  %-17s %s", []string{"Scopes", ""}[min(n, 1)], name)
		}
		say("For a consent by code on a phone (authorize --device) these four as well:")
		for _, address := range deviceCallbacks() {
			say("  %s", address)
		}
		say("Then Add Integration. The page shows the client ID, and the secret this once.")
		say("Step by step: %s man portal\n", invocation())
	case config.Meetings:
		say("\nThe integration is one of https://developer.cisco.com/site/webex-integration, where")
		say("new ones are no longer made. It has to name:")
		say("  Redirect URI      %s", s.values["redirect_url"])
		say("  Scopes            %s", strings.Join(scopes, " "))
		say("What its end means: %s man portal\n", invocation())
	case config.ServiceApp:
		say("\nAt https://developer.webex.com: My Webex Apps, Create a New App, Create a Service")
		say("App. A full admin then authorizes it in Control Hub: Management, Apps, Service Apps.")
		say("Its page shows the application ID, the client ID, and the secret once.")
		say("Step by step: %s man portal\n", invocation())
	case config.Generic:
		say("\nThe server has to know the redirect URL %s\n", s.values["redirect_url"])
	case config.Static:
		say("\nA bot's token stands on its page at https://developer.webex.com, once. It comes in")
		say("by: webex-tokend import %s\n", s.values[theGrant])
	}
}

// deviceCallbacks lists the redirect URLs of Webex's own that an integration
// needs for a consent by code, one for each data centre.
func deviceCallbacks() []string {
	var list []string
	for _, centre := range strings.Fields("a k r d") {
		list = append(list, "https://oauth-helper-"+centre+".wbx2.com/helperservice/v1/actions/device/callback")
	}
	return list
}
