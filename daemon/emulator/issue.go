package emulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// machinePerson is the account behind service apps.
const machinePerson = "integration.host@acme.example"

// A Consent says who gave what to whom. Every field may be empty.
type Consent struct {
	Client string   // ID; the first client of the kind
	Email  string   // alex.morgan@acme.example, or the machine account of service apps
	Scopes []string // a few usual ones
	// RedirectURI and CodeVerifier are those that a strict Meetings refresh has
	// to repeat.
	RedirectURI  string
	CodeVerifier string
}

// An Issued grant is what a client would hold after a consent.
type Issued struct {
	Grant        GrantID
	AccessToken  string
	RefreshToken string
	// Response is the JSON of the token endpoint of the kind.
	Response json.RawMessage
}

// Issue enters a grant as if a person had consented, and returns what the token
// endpoint would have answered. It minds no limit and starts a new grant even
// when there is one of this person already. It panics when the client, or any of
// the kind, is not registered.
func (e *Emulator) Issue(k Kind, by Consent) Issued {
	client := e.issuer.client(cmp.Or(by.Client, e.Client(k).ID))
	if client == nil {
		panic("client " + by.Client + " is not registered")
	}
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	now := e.issuer.now()
	o := e.issuer.opening(client, by)
	id := e.issuer.openGrant(o, now)
	e.issuer.consents[consentKey{client.number, o.account}] = id
	if by.RedirectURI != "" {
		e.issuer.proofs[id] = proof{redirect: by.RedirectURI, verifier: by.CodeVerifier}
	}
	return Issued{
		Grant:        id,
		AccessToken:  e.issuer.writeAccess(id),
		RefreshToken: e.issuer.writeRefresh(id, e.issuer.grants[id-1].refresh),
		Response:     e.issuer.response(id, now, true),
	}
}

// opening fills in what a Consent leaves out. i.mu is held.
func (i *issuer) opening(client *registration, by Consent) opening {
	person, scopes := defaultPerson, by.Scopes
	if client.Kind == ServiceApp {
		person = machinePerson
	}
	if len(scopes) == 0 {
		scopes = client.Kind.usual()
	}
	return opening{
		client:  client,
		account: i.accountOf(cmp.Or(by.Email, person)),
		scope:   strings.Join(scopes, " "),
	}
}

// IssueMany enters n grants of different people and yields for each a line that
// a bulk import takes: the token response with the name of the grant, without an
// end of line. Name gives the name of the i-th, from 0; nil names them
// tenant-0000000 and so on. Grants are entered as the lines are taken.
func (e *Emulator) IssueMany(k Kind, n int, name func(i int) string) iter.Seq[[]byte] {
	if name == nil {
		name = func(i int) string { return fmt.Sprintf("tenant-%07d", i) }
	}
	client := e.issuer.client(e.Client(k).ID)
	scope := strings.Join(k.usual(), " ")
	return func(yield func([]byte) bool) {
		e.issuer.reserve(n)
		for i := range n {
			if !yield(importLine(name(i), e.issuer.issueBulk(client, scope))) {
				return
			}
		}
	}
}

// reserve makes room at once, so that the tables are not copied as they grow.
func (i *issuer) reserve(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.grants = slices.Grow(i.grants, n)
	i.accounts = slices.Grow(i.accounts, n)
}

func (i *issuer) issueBulk(client *registration, scope string) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	id := i.openGrant(opening{client: client, account: i.openAccount(""), scope: scope}, now)
	return i.response(id, now, true)
}

// importLine puts the name of the grant before the fields of its response.
func importLine(name string, response []byte) []byte {
	line := make([]byte, 0, len(response)+len(name)+len(`{"grant":"",`))
	line = append(line, `{"grant":`...)
	quoted, err := json.Marshal(name)
	if err != nil {
		panic(err) // it is a string
	}
	line = append(append(line, quoted...), ',')
	return append(line, response[1:]...)
}
