package registry

import (
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/window"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// A Consent is what is known of the person behind a registration whose answer
// came from the token endpoint this very moment.
type Consent struct {
	// Person consented; a zero ID: it could not be asked.
	Person provider.Person
	// Before is whose the grant was as far as its last access token could tell;
	// it serves where the record does not say.
	Before provider.Person
	// OtherUser lets another person or organisation take the grant over.
	OtherUser bool
}

// vet refuses a consent by somebody else than the grant belongs to. Whose
// tokens they are that consumers use is the operator's decision.
func (g *Registry) vet(r *store.Record, c *Consent) error {
	if c == nil || c.OtherUser || c.Person.ID == "" {
		return nil
	}
	now, before := g.personOf(c.Person), r.Person
	if before.ID == (store.Fingerprint{}) {
		before = g.personOf(c.Before)
	}
	var who string
	switch {
	case differ(before.ID, now.ID):
		who = "another person, " + called(now) + ","
	case differ(before.OrgID, now.OrgID):
		who = called(now) + " of another organisation"
	default:
		return nil
	}
	return &refusal.Error{
		Kind:   refusal.Conflict,
		Detail: fmt.Sprintf("grant %s belongs to %s, but %s consented; nothing was changed", r.Name, called(before), who),
		Reason: wire.OtherUser,
		Action: "webex-tokend authorize " + r.Name + " --other-user",
	}
}

// differ is false where one side is not known: what cannot be compared is no
// evidence.
func differ(a, b store.Fingerprint) bool {
	none := store.Fingerprint{}
	return a != none && b != none && a != b
}

func called(p store.Person) string {
	if p.DisplayName == "" {
		return "somebody"
	}
	return p.DisplayName
}

// longestPersonName is what a record keeps of one, in bytes.
const longestPersonName = 64

func (g *Registry) personOf(p provider.Person) store.Person {
	var person store.Person
	if p.ID != "" {
		person.ID = g.cfg.Store.Fingerprint(store.NewSecret(p.ID))
	}
	if p.OrgID != "" {
		person.OrgID = g.cfg.Store.Fingerprint(store.NewSecret(p.OrgID))
	}
	person.DisplayName = strings.ToValidUTF8(p.DisplayName[:min(len(p.DisplayName), longestPersonName)], "")
	return person
}

// attribute notes who consented. Where it could not be asked, the grant is
// still whose it was.
func (g *Registry) attribute(r, old *store.Record, c Consent) {
	switch {
	case c.Person.ID != "":
		r.Person = g.personOf(c.Person)
	case !c.OtherUser:
		r.Person = old.Person
	}
	if c.Person.Email != "" {
		r.Email = c.Person.Email
	}
}

// prolong keeps what is known of a refresh token that a consent brought again.
// Its window is what the answer says, as with a refresh, and not a whole new one.
func prolong(r, old *store.Record, in *config.Integration, reg Registration, from time.Time) {
	r.Refresh, r.AssumedWindow = old.Refresh, old.AssumedWindow
	if end := outcome.SaidWindowEnd(reg.Answer, from); !end.IsZero() {
		r.Refresh.EndsAt, r.AssumedWindow = end, false
	}
	r.Observations = window.Observe(old.Observations, outcome.Observation(from, in, reg.Answer, r, true, false))
}

// sameRefreshToken reports whether a consent brought the refresh token that is in force:
// Webex may hand out the same value again, with what is left of its life.
func sameRefreshToken(old *store.Record, reg Registration) bool {
	return reg.Consent != nil && !old.Removed && !reg.Refresh.Empty() && old.Refresh.Value.Equal(reg.Refresh)
}
