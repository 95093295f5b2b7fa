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

// An account identifies a person who consented. Accounts registered in bulk have no address of
// their own: it follows from their number, which keeps a million of them small.
type account struct {
	email string  // empty: from the number
	live  []int64 // ends of access tokens in ms, some perhaps past
}

// defaultPerson consents where nobody else is named.
const defaultPerson = "alex.morgan@acme.example"

// bulkDomain is where accounts without an address of their own live.
const bulkDomain = "tenants.example"

// accountOf finds or opens the account of an address. i.mu is held.
func (i *issuer) accountOf(email string) uint32 {
	key := strings.ToLower(email)
	if number, known := i.people[key]; known {
		return number
	}
	number := i.openAccount(email)
	i.people[key] = number
	return number
}

// openAccount adds an account. i.mu is held.
func (i *issuer) openAccount(email string) uint32 {
	i.accounts = append(i.accounts, account{email: email})
	return uint32(len(i.accounts) - 1)
}

// emailOf names the account. i.mu is held.
func (i *issuer) emailOf(number uint32) string {
	if email := i.accounts[number].email; email != "" {
		return email
	}
	return fmt.Sprintf("person%07d@%s", number, bulkDomain)
}

// orgOf is the organisation of the account. i.mu is held.
func (i *issuer) orgOf(number uint32) string {
	email := i.accounts[number].email
	if email == "" {
		return i.orgs.id(bulkDomain)
	}
	return i.orgs.id(domainOf(email))
}

// OrgID returns the ID of the organisation to which the people with addresses
// in this domain belong. Service apps ask for it as targetOrgId.
func (e *Emulator) OrgID(domain string) string { return e.issuer.orgs.id(domain) }

// liveTokens counts the access tokens of an account that work at now, revoked
// ones included until their end. It drops the others. i.mu is held.
func (i *issuer) liveTokens(number uint32, now int64) int {
	a := &i.accounts[number]
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
// past ends only when it has to grow, so that issuing stays cheap. i.mu is held.
func (i *issuer) noteToken(number uint32, end, now int64) {
	a := &i.accounts[number]
	if len(a.live) == cap(a.live) && len(a.live) > 0 {
		i.liveTokens(number, now)
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
