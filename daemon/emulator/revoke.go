package emulator

import "net/http"

// serveRevoke ends a token (RFC 7009): a refresh token with its whole grant, an
// access token alone. Tokens that are unknown, dead or another client's are
// answered with the same 200.
func (t *tokens) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		t.issuer.refuse(w, Broker, &refusal{code: "invalid_request", text: "The form cannot be read"})
		return
	}
	client, refused := t.issuer.authenticate(r)
	if refused != nil {
		t.issuer.refuse(w, Broker, refused)
		return
	}
	t.issuer.revoke(r.PostForm.Get("token"), client)
	t.issuer.track(w)
	w.WriteHeader(http.StatusOK)
}

// Revoke ends the grant of a refresh token, as a person or an administrator can
// at any time, or a single access token. False: the token did not work anyway.
func (e *Emulator) Revoke(token string) bool { return e.issuer.revoke(token, nil) }

// revoke does so for a client, or for anyone when it is nil.
func (i *issuer) revoke(token string, client *registration) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	owns := func(id GrantID) bool { return client == nil || i.grants[id-1].client == client.number }
	if id, serial, known := i.refreshToken(token); known {
		if !owns(id) || !i.works(id, serial, i.now()) {
			return false
		}
		i.grants[id-1].ended = true
		return true
	}
	b, live := i.accessToken(token)
	if !live || !owns(b.grant) {
		return false
	}
	d, _ := i.mint.read(token)
	i.voided[voidKey(d)] = struct{}{}
	return true
}

// works reports whether the refresh token with this serial would be accepted.
// The lock of the issuer is held.
func (i *issuer) works(id GrantID, serial uint32, now int64) bool {
	g := &i.grants[id-1]
	return !g.ended && now < g.refreshEnd && (serial == g.refresh || i.graced(g, serial, now))
}

// voidKey identifies one access token.
func voidKey(d description) uint64 { return uint64(d.grant)<<32 | uint64(d.serial) }
