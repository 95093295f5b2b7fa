package emulator

import (
	"slices"
	"strings"
	"time"
)

// A GrantID identifies one consent given to one client. The first is 1.
type GrantID uint32

// A grant is all that is kept of a consent; see token.go for why that suffices.
// Instants are milliseconds since 1970.
type grant struct {
	client uint16 // in Emulator.clients
	scope  uint16 // in Emulator.scopes
	// selfContained: access tokens are JWTs, as the device flow may ask.
	selfContained bool
	ended         bool // revoked: no token of it works any more

	account   uint32
	refresh   uint32 // serial of the current refresh token
	access    uint32 // serial of the latest access token
	refreshes uint32
	reuses    uint32

	rotatedAt    int64 // when the refresh token before the current one was used
	refreshEnd   int64
	accessIssued int64
	accessEnd    int64
}

// consentKey says who consented to what.
type consentKey struct {
	client  uint16
	account uint32
}

// A proof is what a strict Meetings refresh has to repeat of the consent.
type proof struct {
	redirect string
	verifier string
}

// opening is how a grant begins.
type opening struct {
	client        *registration
	account       uint32
	scope         string
	selfContained bool
}

// openGrant enters a consent with its first access token. e.mu is held.
func (e *Emulator) openGrant(o opening, now int64) GrantID {
	e.grants = append(e.grants, grant{
		client:        o.client.number,
		scope:         e.scopes.number(o.scope),
		selfContained: o.selfContained,
		account:       o.account,
		refresh:       1,
		refreshEnd:    now + o.client.life.Refresh.Milliseconds(),
	})
	id := GrantID(len(e.grants))
	e.issueAccess(id, now)
	return id
}

// consent enters a consent given by a person, who may have given it before: then
// with SameOnConsent the refresh token of that time is handed out once more, with
// its old end. e.mu is held.
func (e *Emulator) consent(o opening, now int64) (GrantID, *refusal) {
	if r := e.overLimit(o.account, now); r != nil {
		return 0, r
	}
	key := consentKey{o.client.number, o.account}
	if before := e.consents[key]; e.cfg.SameOnConsent && before != 0 {
		g := &e.grants[before-1]
		if !g.ended && now < g.refreshEnd {
			g.scope = e.scopes.number(o.scope)
			g.selfContained = o.selfContained
			e.issueAccess(before, now)
			return before, nil
		}
	}
	id := e.openGrant(o, now)
	e.consents[key] = id
	return id, nil
}

// issueAccess gives the grant its next access token. e.mu is held.
func (e *Emulator) issueAccess(id GrantID, now int64) {
	g := &e.grants[id-1]
	g.access++
	g.accessIssued = now
	g.accessEnd = now + e.clients[g.client].life.Access.Milliseconds()
	e.noteToken(g.account, g.accessEnd, now)
	e.stats.AccessIssued++
}

// overLimit refuses another access token to a full account. e.mu is held.
func (e *Emulator) overLimit(account uint32, now int64) *refusal {
	if e.cfg.TokenLimit == 0 || e.liveTokens(account, now) < e.cfg.TokenLimit {
		return nil
	}
	return &refusal{code: "tokenlimit_reached", text: "tokenlimit_reached: the account holds too many active access tokens"}
}

// dead is the answer to a refresh token that does not work, in the broker's own
// words. Note that its code is not invalid_grant.
func (e *Emulator) dead() *refusal {
	return &refusal{
		status: e.cfg.DeadStatus,
		code:   "invalid_request",
		text:   "The refresh token provided is expired, revoked, malformed, or invalid.",
	}
}

// refreshGrant uses a refresh token. With again the access token that is there
// already is handed out, if it has a quarter of its life left: Webex does so to
// clients that refresh often, and a client may not rely on either. e.mu is held.
func (e *Emulator) refreshGrant(c *registration, token string, again bool, now int64) (GrantID, *refusal) {
	id, serial, known := e.refreshToken(token)
	if !known || e.grants[id-1].client != c.number {
		return 0, e.dead()
	}
	g := &e.grants[id-1]
	switch {
	case g.ended || now >= g.refreshEnd:
		return id, e.dead()
	case serial != g.refresh && !e.graced(g, serial, now):
		g.reuses++
		e.stats.Reuses++
		g.ended = e.cfg.EndOnReuse
		return id, e.dead()
	}
	if r := e.overLimit(g.account, now); r != nil {
		return id, r
	}
	if e.cfg.Rotate && serial == g.refresh {
		g.refresh++
		g.rotatedAt = now
	}
	if e.cfg.Window == Sliding {
		g.refreshEnd = now + c.life.Refresh.Milliseconds()
	}
	if left, life := g.accessEnd-now, g.accessEnd-g.accessIssued; again && left > 0 && left >= life/4 {
		e.stats.SameToken++
	} else {
		e.issueAccess(id, now)
	}
	g.refreshes++
	e.stats.Refreshes++
	return id, nil
}

// refreshToken reads a refresh token of any grant, live or not. e.mu is held.
func (e *Emulator) refreshToken(token string) (GrantID, uint32, bool) {
	inner := strings.TrimPrefix(token, meetingsSite+"_")
	d, ok := e.mint.read(inner)
	if !ok || d.purpose != refreshPurpose || d.grant == 0 || int(d.grant) > len(e.grants) {
		return 0, 0, false
	}
	wanted := e.writeRefresh(d.grant, d.serial)
	if e.cfg.BareSite && e.kindOf(d.grant) == Meetings {
		wanted = meetingsSite + "_" + wanted
	}
	return d.grant, d.serial, d.serial != 0 && token == wanted
}

// writeRefresh is the refresh token as the server issues it. e.mu is held.
func (e *Emulator) writeRefresh(id GrantID, serial uint32) string {
	token := e.mint.refresh(id, serial, e.orgOf(e.grants[id-1].account))
	if e.kindOf(id) == Meetings && !e.cfg.BareSite {
		return meetingsSite + "_" + token
	}
	return token
}

// writeAccess is the latest access token of the grant. e.mu is held.
func (e *Emulator) writeAccess(id GrantID) string {
	g := &e.grants[id-1]
	d := description{grant: id, serial: g.access, end: g.accessEnd}
	return e.mint.access(d, e.clients[g.client], e.orgOf(g.account), g.selfContained)
}

// graced reports whether a refresh token that was used already still works.
func (e *Emulator) graced(g *grant, serial uint32, now int64) bool {
	return serial+1 == g.refresh && now-g.rotatedAt < e.cfg.Grace.Milliseconds()
}

// kindOf is the kind of the client of the grant. e.mu is held.
func (e *Emulator) kindOf(id GrantID) Kind { return e.clients[e.grants[id-1].client].Kind }

// now is the server's clock in ms since 1970.
func (e *Emulator) now() int64 { return e.cfg.Now().UnixMilli() }

// seconds is how a response tells a life: whole, and never negative.
func seconds(now, end int64) int64 {
	return max(0, (end-now)/int64(time.Second/time.Millisecond))
}

// scopeTable gives each combination of scopes a small number.
type scopeTable struct {
	texts   []string
	numbers map[string]uint16
}

func (t *scopeTable) number(scope string) uint16 {
	if n, known := t.numbers[scope]; known {
		return n
	}
	n := uint16(len(t.texts))
	t.texts = append(t.texts, scope)
	t.numbers[scope] = n
	return n
}

// entitled reports whether one of the wanted scopes was granted.
func entitled(granted string, wanted ...string) bool {
	return slices.ContainsFunc(strings.Fields(granted), func(s string) bool { return slices.Contains(wanted, s) })
}
