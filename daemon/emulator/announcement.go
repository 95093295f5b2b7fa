package emulator

import "encoding/json"

// An Announcement is what somebody needs to try a configuration against the
// emulator. The command of that name prints it as JSON:
//
//	{
//	  "url": "http://127.0.0.1:8410",
//	  "client_id": "C...", "client_secret": "...",
//	  "clients": {
//	    "rest": {"kind": "rest", "client_id": "C...", "client_secret": "...", "token_url": "...", ...},
//	    "meetings": {...}, "device": {...}, "service-app": {...}
//	  },
//	  "responses": {"rest": {"access_token": "...", ...}, "meetings": {...}, ...}
//	}
type Announcement struct {
	URL string `json:"url"`
	// ClientID and ClientSecret are those of the REST client, which stands among
	// Clients too.
	ClientID     string                   `json:"client_id"`
	ClientSecret string                   `json:"client_secret"`
	Clients      map[Kind]AnnouncedClient `json:"clients"`
	Responses    map[Kind]json.RawMessage `json:"responses"`
}

// An AnnouncedClient says how one kind of integration is configured.
type AnnouncedClient struct {
	// ConfigKind is the kind to configure; a device client is configured as rest.
	ConfigKind         Kind     `json:"kind"`
	ClientID           string   `json:"client_id"`
	ClientSecret       string   `json:"client_secret"`
	ApplicationID      string   `json:"application_id,omitempty"`
	TargetOrgID        string   `json:"target_org_id,omitempty"`
	Site               string   `json:"site,omitempty"`
	AuthorizeURL       string   `json:"authorize_url,omitempty"`
	TokenURL           string   `json:"token_url"`
	DeviceAuthorizeURL string   `json:"device_authorize_url,omitempty"`
	DeviceTokenURL     string   `json:"device_token_url,omitempty"`
	RevokeURL          string   `json:"revoke_url"`
	APIURL             string   `json:"api_url"`
	Scopes             []string `json:"scopes"`
	RedirectURLs       []string `json:"redirect_urls,omitempty"`
}

// Announcement issues one grant of each registered kind and returns them with
// the clients. BaseURL is where the server is reached, without a final slash.
func (e *Emulator) Announcement(baseURL string) Announcement {
	a := Announcement{
		URL:       baseURL,
		Clients:   map[Kind]AnnouncedClient{},
		Responses: map[Kind]json.RawMessage{},
	}
	for _, c := range e.announced(baseURL) {
		if _, seen := a.Clients[c.Kind]; seen {
			continue
		}
		a.Clients[c.Kind] = c.AnnouncedClient
		a.Responses[c.Kind] = e.Issue(c.Kind, Consent{}).Response
	}
	a.ClientID, a.ClientSecret = a.Clients[REST].ClientID, a.Clients[REST].ClientSecret
	return a
}

// kindClient is a client as the announcement and the front page show it.
type kindClient struct {
	AnnouncedClient
	Kind Kind
	Name string
}

// announced describes all registered clients.
func (e *Emulator) announced(baseURL string) []kindClient {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	var all []kindClient
	for _, c := range e.issuer.clients {
		k := kindClient{Kind: c.Kind, Name: c.Name, AnnouncedClient: AnnouncedClient{
			ConfigKind:    c.Kind,
			ClientID:      c.ID,
			ClientSecret:  c.Secret,
			ApplicationID: c.ApplicationID,
			AuthorizeURL:  baseURL + AuthorizePath,
			TokenURL:      baseURL + TokenPath,
			RevokeURL:     baseURL + RevokePath,
			APIURL:        baseURL + "/v1",
			Scopes:        c.Scopes,
			RedirectURLs:  c.RedirectURIs,
		}}
		switch c.Kind {
		case Meetings:
			k.Site = meetingsSite
			k.AuthorizeURL, k.TokenURL = baseURL+MeetingsAuthorizePath, baseURL+MeetingsTokenPath
		case Device:
			k.ConfigKind = REST
			k.DeviceAuthorizeURL, k.DeviceTokenURL = baseURL+DeviceAuthorizePath, baseURL+DeviceTokenPath
		case ServiceApp:
			k.AuthorizeURL = ""
			k.TargetOrgID = e.OrgID(domainOf(machinePerson))
		}
		all = append(all, k)
	}
	return all
}
