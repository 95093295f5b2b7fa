package provider

import (
	"context"
	"encoding/json"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// A Person identifies the owner of an access token.
type Person struct {
	ID          string
	DisplayName string // printable, at most 200 bytes
	Email       string
	OrgID       string
}

// Me asks the API whose an access token is, by GET {api_url}/people/me:
//
//	{"id":"...","displayName":"Alex Morgan","emails":["alex@acme.example"],"orgId":"..."}
//
// The error is always a *Failure. Status 403 means that the scope for it,
// spark:people_read, was not granted.
func (c *Client) Me(ctx context.Context, in *config.Integration, access store.Secret) (Person, error) {
	a, err := c.Get(ctx, in, "/people/me", access)
	if err != nil {
		return Person{}, err
	}
	p, ok := a.Person()
	if !ok {
		return Person{}, &Failure{Answered: true, Sent: true, Status: a.Status, Code: "not_a_person"}
	}
	return p, nil
}

// Person reads the profile of people/me; false: it is none.
func (a APIAnswer) Person() (p Person, ok bool) {
	p = Person{ID: line(a.Object, "id", maxName), DisplayName: line(a.Object, "displayName", maxName), OrgID: line(a.Object, "orgId", maxName)}
	var emails []string
	// What does not decode leaves the list empty.
	_ = json.Unmarshal(a.Raw("emails"), &emails)
	if len(emails) > 0 {
		p.Email = scrubber{}.clean(emails[0], maxName)
	}
	return p, p.ID != ""
}
