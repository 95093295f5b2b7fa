package emulator

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
)

// A Client is an application that is registered with the emulator.
type Client struct {
	Kind   Kind
	ID     string
	Secret string
	Name   string // as the consent page shows it
	// RedirectURIs are compared exactly, port and all.
	RedirectURIs []string
	// Scopes are those that it may ask for.
	Scopes []string
	// ApplicationID stands in the path by which the first token of a service
	// app is fetched. Service apps only.
	ApplicationID string
}

// deviceCallback must be among the redirect URIs of a client that uses the
// device flow; Webex wants its helper there in four data centres.
const deviceCallback = "https://oauth-helper-%s.wbx2.com/helperservice/v1/actions/device/callback"

// usualClients registers one client of each kind. IDs and secrets follow from
// the seed alone, so that a configuration written once serves many runs.
func usualClients(seed uint64, redirects, scopes []string) []Client {
	redirects = append([]string{
		"http://127.0.0.1:8411/oauth",    // this daemon's example
		"http://localhost:8080/oauth",    // Webex's own sample
		"http://localhost:6001/redirect", // wxc_sdk
	}, redirects...)
	var clients []Client
	for _, k := range Kinds() {
		c := Client{
			Kind:         k,
			ID:           "C" + fingerprint(seed, k, "id"),
			Secret:       fingerprint(seed, k, "secret"),
			Name:         "Example " + string(k) + " client",
			RedirectURIs: slices.Clone(redirects),
			Scopes:       append(k.scopes(), scopes...),
		}
		switch k {
		case Device:
			for _, centre := range []string{"a", "r", "k", "d"} {
				c.RedirectURIs = append(c.RedirectURIs, fmt.Sprintf(deviceCallback, centre))
			}
		case ServiceApp:
			c.RedirectURIs = nil
			c.ApplicationID = resourceID("APPLICATION", c.ID)
		}
		clients = append(clients, c)
	}
	return clients
}

// fingerprint is 64 hexadecimal digits, the length of Webex's IDs and secrets.
func fingerprint(seed uint64, k Kind, purpose string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", seed, k, purpose))
	return hex.EncodeToString(sum[:])
}

// A registration is a client with what changes about it. Secret, rejected and
// rotations are guarded by the lock of the issuer, the rest never changes.
type registration struct {
	Client
	number    uint16 // in issuer.clients
	life      Life
	rejected  bool
	rotations int
}

// usesDevices reports whether the helper of the device flow is registered.
func (c *registration) usesDevices() bool {
	return slices.Contains(c.RedirectURIs, fmt.Sprintf(deviceCallback, "a"))
}

// Client returns the first registered client of the kind with its current
// secret. It panics when there is none.
func (e *Emulator) Client(k Kind) Client {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	for _, c := range e.issuer.clients {
		if c.Kind == k {
			return c.Client
		}
	}
	panic("no client of kind " + string(k) + " is registered")
}

// RejectClient makes the server refuse every authentication of the client, or
// accept it again.
func (e *Emulator) RejectClient(id string, reject bool) {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	if c := e.issuer.client(id); c != nil {
		c.rejected = reject
	}
}

// RotateSecret gives the client a new secret and returns it. The old one is
// refused from then on. An unknown client has the empty secret.
func (e *Emulator) RotateSecret(id string) string {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	c := e.issuer.client(id)
	if c == nil {
		return ""
	}
	c.rotations++
	c.Secret = fingerprint(e.issuer.cfg.Seed, c.Kind, fmt.Sprintf("secret %s %d", c.ID, c.rotations))
	return c.Secret
}

// client finds a registration; the table itself needs no lock.
func (i *issuer) client(id string) *registration {
	for _, c := range i.clients {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// authenticate takes the client from the Basic header or from the form, as
// /v1/access_token accepts both. The form must have been parsed.
func (i *issuer) authenticate(r *http.Request) (*registration, *refusal) {
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return i.identify(id, secret)
}

// identify checks an ID and a secret from wherever they came. The text about a
// wrong ID was seen at the device endpoint; those about secrets are by analogy
// with the documented example of the service app endpoint.
func (i *issuer) identify(id, secret string) (*registration, *refusal) {
	c := i.client(id)
	if c == nil {
		return nil, &refusal{status: http.StatusBadRequest, code: "invalid_client", text: "Client Id is invalid"}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if c.rejected {
		return nil, &refusal{status: http.StatusUnauthorized, code: "invalid_client", text: "Invalid client credentials"}
	}
	if subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1 {
		return nil, &refusal{status: http.StatusUnauthorized, code: "invalid_client", text: "The provided clientSecret is invalid"}
	}
	return c, nil
}
