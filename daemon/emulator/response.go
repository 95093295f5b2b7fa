package emulator

import (
	"encoding/json"
	"strconv"
)

// restResponse is what /v1/access_token answers for integrations, device grants
// and service apps, in the order of the documentation.
type restResponse struct {
	Scope       string `json:"scope,omitempty"`
	AccessLife  int64  `json:"expires_in"` // s
	Type        string `json:"token_type"`
	Refresh     string `json:"refresh_token,omitempty"`
	RefreshLife int64  `json:"refresh_token_expires_in,omitempty"` // s
	Access      string `json:"access_token"`
}

// meetingsResponse is that of the Meetings endpoint: the type in lower case, no
// life of the refresh token, and who consented.
type meetingsResponse struct {
	Access         string `json:"access_token"`
	Type           string `json:"token_type"`
	Refresh        string `json:"refresh_token"`
	AccessLife     int64  `json:"expires_in"` // s
	Scope          string `json:"scope"`
	User           string `json:"user_name"`
	Issuer         string `json:"iss"`
	Site           string `json:"siteid"`
	UserID         string `json:"userid"`
	Authentication string `json:"authentication_id"`
	Email          string `json:"email"`
}

// The one Meetings site that exists here.
const (
	meetingsSite   = "acme"
	meetingsSiteID = "13505012"
)

// response is the JSON that the kind's token endpoint answers for the grant as
// it stands. Without withRefresh a REST answer leaves the refresh token out, as
// the broker does when it did not change. i.mu is held.
func (i *issuer) response(id GrantID, now int64, withRefresh bool) []byte {
	g := &i.grants[id-1]
	kind := i.kindOf(id)
	var document any
	if kind == Meetings {
		email := i.emailOf(g.account)
		user := strconv.Itoa(500_000_000 + int(g.account))
		document = meetingsResponse{
			Access:         i.writeAccess(id),
			Type:           "bearer",
			Refresh:        i.writeRefresh(id, g.refresh),
			AccessLife:     seconds(now, g.accessEnd),
			Scope:          i.scopes.texts[g.scope],
			User:           email,
			Issuer:         "https://" + meetingsSite + ".webex.com",
			Site:           meetingsSiteID,
			UserID:         user,
			Authentication: uuid("authentication " + user),
			Email:          email,
		}
	} else {
		r := restResponse{
			AccessLife: seconds(now, g.accessEnd),
			Type:       "Bearer",
			Access:     i.writeAccess(id),
		}
		if withRefresh {
			r.Refresh = i.writeRefresh(id, g.refresh)
			r.RefreshLife = seconds(now, g.refreshEnd)
		}
		if kind != ServiceApp {
			r.Scope = i.scopes.texts[g.scope]
		}
		document = r
	}
	body, err := json.Marshal(document)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return body
}
