package emulator

import (
	"net/http"
	"strings"
	"time"
)

// A bearer identifies the token that came with an API request.
type bearer struct {
	grant GrantID
	email string
	org   string
	scope string
	end   int64 // of the access token, in ms
}

// api answers what a bearer asks of the REST API.
type api struct{ issuer *issuer }

// bearer checks the access token of an API request and that one of the scopes
// was granted, when any is named. A token without the scope is alive, which is
// why Webex answers 403 and not 401.
func (a *api) bearer(r *http.Request, scopes ...string) (bearer, *refusal) {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a.issuer.mu.Lock()
	defer a.issuer.mu.Unlock()
	b, live := a.issuer.accessToken(token)
	if !found || !live {
		return bearer{}, &refusal{status: http.StatusUnauthorized, text: gatewayMessage(http.StatusUnauthorized)}
	}
	if len(scopes) > 0 && !entitled(b.scope, scopes...) {
		return bearer{}, &refusal{status: http.StatusForbidden, text: "The access token lacks a scope that this request needs: " + strings.Join(scopes, " or ")}
	}
	return b, nil
}

// accessToken tells whose access token this is; false: it does not work. e.mu is
// held.
func (i *issuer) accessToken(token string) (bearer, bool) {
	d, ok := i.mint.read(token)
	if !ok || d.purpose != accessPurpose || d.grant == 0 || int(d.grant) > len(i.grants) {
		return bearer{}, false
	}
	g := &i.grants[d.grant-1]
	org := i.orgOf(g.account)
	written := i.mint.access(d, i.clients[g.client], org, g.selfContained)
	_, voided := i.voided[voidKey(d)]
	if written != token || d.serial > g.access || g.ended || voided || i.now() >= d.end {
		return bearer{}, false
	}
	return bearer{
		grant: d.grant,
		email: i.emailOf(g.account),
		org:   org,
		scope: i.scopes.texts[g.scope],
		end:   d.end,
	}, true
}

// serveExpiry tells when the token of the request ends, in ms since 1970.
func (a *api) serveExpiry(w http.ResponseWriter, r *http.Request) {
	b, refused := a.bearer(r)
	if refused != nil {
		a.issuer.refuseAPI(w, refused)
		return
	}
	answer(w, http.StatusOK, struct {
		End int64 `json:"exp"`
	}{b.end})
}

// A person is the profile that the REST API returns, as far as anyone here reads.
type person struct {
	ID          string    `json:"id"`
	Emails      []string  `json:"emails"`
	DisplayName string    `json:"displayName"`
	NickName    string    `json:"nickName"`
	OrgID       string    `json:"orgId"`
	Created     time.Time `json:"created"`
	Status      string    `json:"status"`
	Type        string    `json:"type"`
}

// founded is when everybody and every room here came to be.
func founded() time.Time { return time.Date(2023, time.March, 1, 9, 30, 0, 0, time.UTC) }

// serveMe is the profile of the bearer.
func (a *api) serveMe(w http.ResponseWriter, r *http.Request) {
	b, refused := a.bearer(r, "spark:people_read", "spark:all")
	if refused != nil {
		a.issuer.refuseAPI(w, refused)
		return
	}
	name := displayName(b.email)
	nick, _, _ := strings.Cut(name, " ")
	a.issuer.track(w)
	answer(w, http.StatusOK, person{
		ID:          resourceID("PEOPLE", b.email),
		Emails:      []string{b.email},
		DisplayName: name,
		NickName:    nick,
		OrgID:       b.org,
		Created:     founded(),
		Status:      "active",
		Type:        "person",
	})
}

type room struct {
	ID           string    `json:"id"`
	Title        string    `json:"title"`
	Type         string    `json:"type"`
	IsLocked     bool      `json:"isLocked"`
	LastActivity time.Time `json:"lastActivity"`
	CreatorID    string    `json:"creatorId"`
	Created      time.Time `json:"created"`
}

// serveRooms lists the rooms of the bearer, who has two.
func (a *api) serveRooms(w http.ResponseWriter, r *http.Request) {
	b, refused := a.bearer(r, "spark:rooms_read", "spark:all")
	if refused != nil {
		a.issuer.refuseAPI(w, refused)
		return
	}
	var list struct {
		Items []room `json:"items"`
	}
	for _, title := range []string{"Integration host", "Coffee"} {
		list.Items = append(list.Items, room{
			ID:           resourceID("ROOM", title+b.email),
			Title:        title,
			Type:         "group",
			LastActivity: founded().Add(day),
			CreatorID:    resourceID("PEOPLE", b.email),
			Created:      founded(),
		})
	}
	a.issuer.track(w)
	answer(w, http.StatusOK, list)
}
