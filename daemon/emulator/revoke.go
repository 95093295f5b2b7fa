package emulator

import "net/http"

// serveRevoke ends a token (RFC 7009): a refresh token with its whole grant, an
// access token alone. Tokens that are unknown, dead or another client's are
// answered with the same 200.
func (e *Emulator) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		e.refuse(w, Broker, &refusal{code: "invalid_request", text: "The form cannot be read"})
		return
	}
	client, refused := e.authenticate(r)
	if refused != nil {
		e.refuse(w, Broker, refused)
		return
	}
	e.revoke(r.PostForm.Get("token"), client)
	e.track(w)
	w.WriteHeader(http.StatusOK)
}

// Revoke ends the grant of a refresh token, as a person or an administrator can
// at any time, or a single access token. False: the token did not work anyway.
func (e *Emulator) Revoke(token string) bool { return e.revoke(token, nil) }

// revoke does so for a client, or for anyone when it is nil.
func (e *Emulator) revoke(token string, client *registration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	owns := func(id GrantID) bool { return client == nil || e.grants[id-1].client == client.number }
	if id, serial, known := e.refreshToken(token); known {
		if !owns(id) || !e.works(id, serial, e.now()) {
			return false
		}
		e.grants[id-1].ended = true
		return true
	}
	b, live := e.accessToken(token)
	if !live || !owns(b.grant) {
		return false
	}
	d, _ := e.mint.read(token)
	e.voided[voidKey(d)] = struct{}{}
	return true
}

// works reports whether the refresh token with this serial would be accepted.
// e.mu is held.
func (e *Emulator) works(id GrantID, serial uint32, now int64) bool {
	g := &e.grants[id-1]
	return !g.ended && now < g.refreshEnd && (serial == g.refresh || e.graced(g, serial, now))
}

// voidKey identifies one access token.
func voidKey(d description) uint64 { return uint64(d.grant)<<32 | uint64(d.serial) }
