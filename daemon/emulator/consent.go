package emulator

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// consents leads people from a client through the consent page and back.
type consents struct {
	issuer *issuer
	codes  *codes
	pages  *pages
}

// serveConsent shows the page on which a person signs in and consents, and takes
// its form. The form is posted to the very URL of the page, so that nothing has
// to be kept in between; the query is checked both times.
func (p *consents) serveConsent(w http.ResponseWriter, r *http.Request) {
	a, refused := p.apply(r.URL.Query(), r.URL.Path == MeetingsAuthorizePath)
	switch {
	case a == nil:
		p.pages.showFault(w, http.StatusBadRequest, "This request cannot be answered", refused.text)
	case refused != nil:
		http.Redirect(w, r, p.back(a, url.Values{"error": {refused.code}, "error_description": {refused.text}}), http.StatusFound)
	case r.Method == http.MethodPost:
		p.decide(w, r, a)
	default:
		p.pages.show(w, http.StatusOK, "consent.html", consentPage{
			Client:  a.client.Name,
			Scopes:  a.scopes,
			Email:   cmp.Or(a.hint, defaultPerson),
			Returns: a.redirect,
		})
	}
}

// decide takes the form of the consent page.
func (p *consents) decide(w http.ResponseWriter, r *http.Request, a *application) {
	d, err := readDecision(r, a.scopes)
	if err != "" {
		p.pages.showFault(w, http.StatusBadRequest, "The form is not complete", err)
		return
	}
	answer := url.Values{"error": {"access_denied"}, "error_description": {"The person declined"}}
	if d.accepted {
		answer = url.Values{"code": {p.codes.approve(a, d.email, d.scopes)}}
	}
	http.Redirect(w, r, p.back(a, answer), http.StatusSeeOther)
}

// A decision records the choice of a person on a consent page.
type decision struct {
	accepted bool
	email    string
	scopes   []string
}

// readDecision takes the fields email, scope (one for each) and decision, which
// is accept or decline. A form without any scope field accepts all that were
// asked for, so that a test need not repeat them; the page always sends one. The
// text says what is wrong.
func readDecision(r *http.Request, asked []string) (decision, string) {
	if err := r.ParseForm(); err != nil {
		return decision{}, "The form cannot be read."
	}
	d := decision{
		accepted: r.PostForm.Get("decision") == "accept",
		email:    cmp.Or(strings.TrimSpace(r.PostForm.Get("email")), defaultPerson),
		scopes:   asked,
	}
	if chosen, present := r.PostForm["scope"]; present {
		d.scopes = slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(chosen, s) })
	}
	switch {
	case !d.accepted && r.PostForm.Get("decision") != "decline":
		return d, "Neither accept nor decline was chosen."
	case d.accepted && !strings.Contains(d.email, "@"):
		return d, "An email address says who you are."
	case d.accepted && len(d.scopes) == 0:
		return d, "At least one permission has to be given."
	}
	return d, ""
}
