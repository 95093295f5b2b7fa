package emulator

import "net/http"

// The paths that the server answers, as Webex has them.
const (
	AuthorizePath         = "/v1/authorize"
	TokenPath             = "/v1/access_token"
	MeetingsAuthorizePath = "/v1/oauth2/authorize"
	MeetingsTokenPath     = "/v1/oauth2/token"
	DeviceAuthorizePath   = "/v1/device/authorize"
	DeviceTokenPath       = "/v1/device/token"
	VerifyPath            = "/verify"
	BrokerAuthorizePath   = "/idb/oauth2/v1/authorize"
	BrokerTokenPath       = "/idb/oauth2/v1/access_token"
	RevokePath            = "/idb/oauth2/v1/revoke"
	ExpiryPath            = "/v1/authorizations/tokenExpiry"
	MePath                = "/v1/people/me"
	RoomsPath             = "/v1/rooms"
	DiscoveryPath         = "/v1/.well-known/openid-configuration"
	// ApplicationPath has the ID of a service app in the place of the pattern.
	ApplicationPath = "/v1/applications/{id}/token"
)

// A route is one line of the table of all that the server answers.
type route struct {
	Methods []string
	Path    string
	About   string // for the front page; empty: not named there
	serve   http.HandlerFunc
}

func (e *Emulator) table() []route {
	get, post, both := []string{"GET"}, []string{"POST"}, []string{"GET", "POST"}
	return []route{
		{get, "/{$}", "", e.serveFront},
		{both, AuthorizePath, "sign in and consent, by a redirect from the client", e.consents.serveConsent},
		{post, TokenPath, "code or refresh token for tokens", e.tokens.serveToken},
		{both, MeetingsAuthorizePath, "the same for Meetings", e.consents.serveConsent},
		{post, MeetingsTokenPath, "the same for Meetings", e.tokens.serveToken},
		{post, DeviceAuthorizePath, "start the device flow", e.devices.serveDevice},
		{post, DeviceTokenPath, "poll the device flow", e.devices.serveDeviceToken},
		{both, VerifyPath, "where a person enters the code of a device", e.devices.serveVerify},
		{post, ApplicationPath, "first token of a service app", e.api.serveApplication},
		{get, ExpiryPath, "when the token of the request ends", e.api.serveExpiry},
		{get, MePath, "who the bearer is", e.api.serveMe},
		{get, RoomsPath, "the rooms of the bearer", e.api.serveRooms},
		{both, BrokerAuthorizePath, "the authorization page behind the gateway", e.consents.serveConsent},
		{post, BrokerTokenPath, "the token endpoint behind the gateway", e.tokens.serveToken},
		{post, RevokePath, "end a token", e.tokens.serveRevoke},
		{get, DiscoveryPath, "OpenID Connect discovery", e.serveDiscovery},
		{get, "/.well-known/openid-configuration", "", e.serveDiscovery},
	}
}
