package emulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// An account is who consented. Accounts registered in bulk have no address of
// their own: it follows from their number, which keeps a million of them small.
type account struct {
	email string  // empty: from the number
	live  []int64 // ends of access tokens in ms, some perhaps past
}

// defaultPerson consents where nobody else is named.
const defaultPerson = "alex.morgan@acme.example"

// bulkDomain is where accounts without an address of their own live.
const bulkDomain = "tenants.example"

// accountOf finds or opens the account of an address. e.mu is held.
func (e *Emulator) accountOf(email string) uint32 {
	key := strings.ToLower(email)
	if number, known := e.people[key]; known {
		return number
	}
	number := e.openAccount(email)
	e.people[key] = number
	return number
}

// openAccount adds an account. e.mu is held.
func (e *Emulator) openAccount(email string) uint32 {
	e.accounts = append(e.accounts, account{email: email})
	return uint32(len(e.accounts) - 1)
}

// emailOf names the account. e.mu is held.
func (e *Emulator) emailOf(number uint32) string {
	if email := e.accounts[number].email; email != "" {
		return email
	}
	return fmt.Sprintf("person%07d@%s", number, bulkDomain)
}

// orgOf is the organisation of the account. e.mu is held.
func (e *Emulator) orgOf(number uint32) string {
	email := e.accounts[number].email
	if email == "" {
		return e.orgs.id(bulkDomain)
	}
	return e.orgs.id(domainOf(email))
}

// OrgID returns the ID of the organisation to which the people with addresses
// in this domain belong. Service apps ask for it as targetOrgId.
func (e *Emulator) OrgID(domain string) string { return e.orgs.id(domain) }

// liveTokens counts the access tokens of an account that work at now, revoked
// ones included until their end. It drops the others. e.mu is held.
func (e *Emulator) liveTokens(number uint32, now int64) int {
	a := &e.accounts[number]
	live := a.live[:0]
	for _, end := range a.live {
		if end > now {
			live = append(live, end)
		}
	}
	a.live = live
	return len(live)
}

// noteToken remembers the end of a new access token. The list is cleared of
// past ends only when it has to grow, so that issuing stays cheap. e.mu is held.
func (e *Emulator) noteToken(number uint32, end, now int64) {
	a := &e.accounts[number]
	if len(a.live) == cap(a.live) && len(a.live) > 0 {
		e.liveTokens(number, now)
	}
	a.live = append(a.live, end)
}

func domainOf(email string) string {
	_, domain, _ := strings.Cut(strings.ToLower(email), "@")
	return domain
}

// displayName makes "Alex Morgan" of "alex.morgan@acme.example".
func displayName(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' })
	for i, word := range words {
		first, size := utf8.DecodeRuneInString(word)
		words[i] = string(unicode.ToUpper(first)) + word[size:]
	}
	return strings.Join(words, " ")
}

// resourceID is how the REST API writes IDs: base64 of a URI without padding.
func resourceID(resource, name string) string {
	return base64.RawStdEncoding.EncodeToString([]byte("ciscospark://us/" + resource + "/" + uuid(name)))
}

// uuid is a name's own UUID.
func uuid(name string) string {
	sum := sha256.Sum256([]byte(name))
	digits := hex.EncodeToString(sum[:16])
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// orgTable keeps the IDs of the domains seen, as every token carries one.
type orgTable struct{ ids sync.Map }

func (t *orgTable) id(domain string) string {
	if id, known := t.ids.Load(domain); known {
		return id.(string)
	}
	id, _ := t.ids.LoadOrStore(domain, uuid("org "+domain))
	return id.(string)
}
