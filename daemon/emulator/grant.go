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
	client uint16 // in issuer.clients
	scope  uint16 // in issuer.scopes
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

// openGrant enters a consent with its first access token. i.mu is held.
func (i *issuer) openGrant(o opening, now int64) GrantID {
	i.grants = append(i.grants, grant{
		client:        o.client.number,
		scope:         i.scopes.number(o.scope),
		selfContained: o.selfContained,
		account:       o.account,
		refresh:       1,
		refreshEnd:    now + o.client.life.Refresh.Milliseconds(),
	})
	id := GrantID(len(i.grants))
	i.issueAccess(id, now)
	return id
}

// consent enters a consent given by a person, who may have given it before: then
// with SameOnConsent the refresh token of that time is handed out once more, with
// its old end. i.mu is held.
func (i *issuer) consent(o opening, now int64) (GrantID, *refusal) {
	if r := i.overLimit(o.account, now); r != nil {
		return 0, r
	}
	key := consentKey{o.client.number, o.account}
	if before := i.consents[key]; i.cfg.SameOnConsent && before != 0 {
		g := &i.grants[before-1]
		if !g.ended && now < g.refreshEnd {
			g.scope = i.scopes.number(o.scope)
			g.selfContained = o.selfContained
			i.issueAccess(before, now)
			return before, nil
		}
	}
	id := i.openGrant(o, now)
	i.consents[key] = id
	return id, nil
}

// issueAccess gives the grant its next access token. i.mu is held.
func (i *issuer) issueAccess(id GrantID, now int64) {
	g := &i.grants[id-1]
	g.access++
	g.accessIssued = now
	g.accessEnd = now + i.clients[g.client].life.Access.Milliseconds()
	i.noteToken(g.account, g.accessEnd, now)
	i.stats.AccessIssued++
}

// overLimit refuses another access token to a full account. i.mu is held.
func (i *issuer) overLimit(account uint32, now int64) *refusal {
	if i.cfg.TokenLimit == 0 || i.liveTokens(account, now) < i.cfg.TokenLimit {
		return nil
	}
	return &refusal{code: "tokenlimit_reached", text: "tokenlimit_reached: the account holds too many active access tokens"}
}

// dead is the answer to a refresh token that does not work, in the broker's own
// words. Note that its code is not invalid_grant.
func (i *issuer) dead() *refusal {
	return &refusal{
		status: i.cfg.DeadStatus,
		code:   "invalid_request",
		text:   "The refresh token provided is expired, revoked, malformed, or invalid.",
	}
}

// refreshGrant uses a refresh token. With again the access token that is there
// already is handed out, if it has a quarter of its life left: Webex does so to
// clients that refresh often, and a client may not rely on either. i.mu is held.
func (i *issuer) refreshGrant(c *registration, token string, again bool, now int64) (GrantID, *refusal) {
	id, serial, known := i.refreshToken(token)
	if !known || i.grants[id-1].client != c.number {
		return 0, i.dead()
	}
	g := &i.grants[id-1]
	switch {
	case g.ended || now >= g.refreshEnd:
		return id, i.dead()
	case serial != g.refresh && !i.graced(g, serial, now):
		g.reuses++
		i.stats.Reuses++
		g.ended = i.cfg.EndOnReuse
		return id, i.dead()
	}
	if r := i.overLimit(g.account, now); r != nil {
		return id, r
	}
	if i.cfg.Rotate && serial == g.refresh {
		g.refresh++
		g.rotatedAt = now
	}
	if i.cfg.Window == Sliding {
		g.refreshEnd = now + c.life.Refresh.Milliseconds()
	}
	if left, life := g.accessEnd-now, g.accessEnd-g.accessIssued; again && left > 0 && left >= life/4 {
		i.stats.SameToken++
	} else {
		i.issueAccess(id, now)
	}
	g.refreshes++
	i.stats.Refreshes++
	return id, nil
}

// refreshToken reads a refresh token of any grant, live or not. i.mu is held.
func (i *issuer) refreshToken(token string) (GrantID, uint32, bool) {
	inner := strings.TrimPrefix(token, meetingsSite+"_")
	d, ok := i.mint.read(inner)
	if !ok || d.purpose != refreshPurpose || d.grant == 0 || int(d.grant) > len(i.grants) {
		return 0, 0, false
	}
	wanted := i.writeRefresh(d.grant, d.serial)
	if i.cfg.BareSite && i.kindOf(d.grant) == Meetings {
		wanted = meetingsSite + "_" + wanted
	}
	return d.grant, d.serial, d.serial != 0 && token == wanted
}

// writeRefresh is the refresh token as the server issues it. i.mu is held.
func (i *issuer) writeRefresh(id GrantID, serial uint32) string {
	token := i.mint.refresh(id, serial, i.orgOf(i.grants[id-1].account))
	if i.kindOf(id) == Meetings && !i.cfg.BareSite {
		return meetingsSite + "_" + token
	}
	return token
}

// writeAccess is the latest access token of the grant. i.mu is held.
func (i *issuer) writeAccess(id GrantID) string {
	g := &i.grants[id-1]
	d := description{grant: id, serial: g.access, end: g.accessEnd}
	return i.mint.access(d, i.clients[g.client], i.orgOf(g.account), g.selfContained)
}

// graced reports whether a refresh token that was used already still works.
func (i *issuer) graced(g *grant, serial uint32, now int64) bool {
	return serial+1 == g.refresh && now-g.rotatedAt < i.cfg.Grace.Milliseconds()
}

// kindOf is the kind of the client of the grant. i.mu is held.
func (i *issuer) kindOf(id GrantID) Kind { return i.clients[i.grants[id-1].client].Kind }

// now is the server's clock in ms since 1970.
func (i *issuer) now() int64 { return i.cfg.Now().UnixMilli() }

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
