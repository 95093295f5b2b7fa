package web_test

import (
	"net/http"
	"strings"
	"testing"

	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/wire"
)

// Who may begin a consent could send somebody else to its server, and had the
// tokens of that person in a grant of his own when the browser came back.
func TestAnAnswerToAConsentOfATerminalIsTakenFromNoStrangersBrowser(t *testing.T) {
	h := begin(t)
	a := h.consentOfATerminal(t)
	victim := h.stranger(t)
	back := decide(t, a.URL, accept(eve))
	asked := len(h.webex.Calls())
	victim.get(back).says(t, 403, "This consent began in a terminal", "paste the address of this page there")
	if len(h.webex.Calls()) != asked {
		t.Error("the code was sent")
	}
	if g, err := h.report.Grant(t.Context(), "ops"); err != nil || g.Generation != 0 {
		t.Errorf("the grant has tokens of the stranger: %+v, %v", g, err)
	}
	// From the hands of whoever began it, it is taken.
	if a, err := h.consents.Pasted(t.Context(), a.ID, back); err != nil || a.State != wire.Done {
		t.Errorf("pasted: %s %s, %v", a.State, a.Error, err)
	}
}

func TestAConsentOfATerminalEndsInTheBrowserThatItsPageSentOff(t *testing.T) {
	h := begin(t)
	a := h.consentOfATerminal(t)
	for _, method := range []string{http.MethodHead, http.MethodGet} { // a scanner
		if seen := h.stranger(t).do(method, a.PageURL, nil); seen.status != 200 || len(seen.header["Set-Cookie"]) > 0 {
			t.Fatalf("%s: got %d with cookies %q", method, seen.status, seen.header["Set-Cookie"])
		}
	}
	person := h.stranger(t)
	sent := person.post(a.PageURL, person.get(a.PageURL).form())
	if sent.status != http.StatusSeeOther || sent.location() != a.URL {
		t.Fatalf("the page answers %d %s", sent.status, sent.location())
	}
	if again := h.stranger(t).get(a.PageURL); again.status != 410 {
		t.Errorf("a second browser: got %d", again.status)
	}
	victim := h.stranger(t)
	victim.land(t, decide(t, a.URL, accept(eve))).says(t, 403, "began in another browser")
	person.land(t, decide(t, a.URL, accept(alex))).says(t, 200, "Hello, Alex Morgan")
}

// consentOfATerminal begins one for "ops" as the API does.
func (h *host) consentOfATerminal(t *testing.T) wire.Authorization {
	t.Helper()
	a, err := h.consents.Begin(t.Context(), "ops", flow.Options{})
	if err != nil || !strings.HasPrefix(a.PageURL, h.url+"/link/") || strings.Contains(a.PageURL, "state=") {
		t.Fatalf("began %+v, %v", a, err)
	}
	return a
}
