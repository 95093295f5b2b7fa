package emulator

import (
	"iter"
	"strings"
	"time"
)

// Stats count what happened since New.
type Stats struct {
	Requests     uint64 // that reached the server
	Unreachable  uint64 // that found it down
	AccessIssued uint64 // access tokens, those of first consents included
	Refreshes    uint64 // that succeeded
	SameToken    uint64 // of these, with the access token that was there before
	Reuses       uint64 // refresh tokens that came after their use and grace
	Refused      uint64 // answers 400 to 499 but 429
	Limited      uint64 // answers 429
	Failed       uint64 // answers 500 and above
}

// Stats returns the counts so far.
func (e *Emulator) Stats() Stats {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	return e.issuer.stats
}

// A Status describes a grant as the server has it.
type Status struct {
	Kind         Kind
	Email        string
	Scope        string
	AccessToken  string // the latest
	RefreshToken string // the current one
	AccessEnd    time.Time
	RefreshEnd   time.Time
	Refreshes    int
	Reuses       int
	// Live: the current refresh token works.
	Live bool
	// LiveAccess counts the access tokens of the account that have not ended,
	// those of its other grants included.
	LiveAccess int
}

// Grant returns the state of a grant; false: there is none of this ID.
func (e *Emulator) Grant(id GrantID) (Status, bool) {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	if id == 0 || int(id) > len(e.issuer.grants) {
		return Status{}, false
	}
	g, now := &e.issuer.grants[id-1], e.issuer.now()
	return Status{
		Kind:         e.issuer.kindOf(id),
		Email:        e.issuer.emailOf(g.account),
		Scope:        e.issuer.scopes.texts[g.scope],
		AccessToken:  e.issuer.writeAccess(id),
		RefreshToken: e.issuer.writeRefresh(id, g.refresh),
		AccessEnd:    time.UnixMilli(g.accessEnd).UTC(),
		RefreshEnd:   time.UnixMilli(g.refreshEnd).UTC(),
		Refreshes:    int(g.refreshes),
		Reuses:       int(g.reuses),
		Live:         e.issuer.works(id, g.refresh, now),
		LiveAccess:   e.issuer.liveTokens(g.account, now),
	}, true
}

// Find returns the grant to which a token belongs, whether it works or not; 0:
// no token of this server.
func (e *Emulator) Find(token string) GrantID {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	if id, _, known := e.issuer.refreshToken(token); known {
		return id
	}
	if d, ok := e.issuer.mint.read(token); ok && d.purpose == accessPurpose && d.grant != 0 && int(d.grant) <= len(e.issuer.grants) {
		return d.grant
	}
	return 0
}

// Valid reports whether a refresh token would be accepted now.
func (e *Emulator) Valid(refreshToken string) bool {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	id, serial, known := e.issuer.refreshToken(refreshToken)
	return known && e.issuer.works(id, serial, e.issuer.now())
}

// ValidAccess reports whether an access token would be accepted now.
func (e *Emulator) ValidAccess(accessToken string) bool {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	_, live := e.issuer.accessToken(accessToken)
	return live
}

// RefreshTokens yields every refresh token that works, current ones and those in
// their grace. Grants may change while it runs.
func (e *Emulator) RefreshTokens() iter.Seq2[GrantID, string] {
	return func(yield func(GrantID, string) bool) {
		for id := GrantID(1); ; id++ {
			tokens, more := e.workingTokens(id)
			if !more {
				return
			}
			for _, token := range tokens {
				if !yield(id, token) {
					return
				}
			}
		}
	}
}

// workingTokens are those of one grant; false: there is none of this ID.
func (e *Emulator) workingTokens(id GrantID) ([]string, bool) {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	if int(id) > len(e.issuer.grants) {
		return nil, false
	}
	now, current := e.issuer.now(), e.issuer.grants[id-1].refresh
	var tokens []string
	for _, serial := range []uint32{current, current - 1} {
		if serial != 0 && e.issuer.works(id, serial, now) {
			tokens = append(tokens, e.issuer.writeRefresh(id, serial))
		}
	}
	return tokens, true
}

// LiveAccess counts the access tokens of a person that have not ended. Accounts
// made by IssueMany are asked through Grant.
func (e *Emulator) LiveAccess(email string) int {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	number, known := e.issuer.people[strings.ToLower(email)]
	if !known {
		return 0
	}
	return e.issuer.liveTokens(number, e.issuer.now())
}
