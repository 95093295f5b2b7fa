package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"webex-tokend/store"
)

// A Key is a wrapping key: it opens the store's own keys and is kept outside
// the store. The zero Key opens nothing.
//
// As text it is one line, in groups of eight for those who copy it by hand:
//
//	webex-tokend-key-1-XXXXXXXX-XXXXXXXX-...
//
// that is, behind a prefix, 32 random bytes and the first 3 of their SHA-256 in
// base32 without padding. The digest tells a slip of the pen from a wrong key.
type Key struct {
	secret store.Secret // the 32 bytes
}

const (
	keyPrefix = "webex-tokend-key-1-"
	keySize   = 32
	digest    = 3
	groupSize = 8
)

// ErrNotAKey: the text is not what Text writes.
var ErrNotAKey = errors.New("is not a store key, or not a whole one")

// NewKey makes a key.
func NewKey() Key {
	b := make([]byte, keySize)
	rand.Read(b)
	return Key{store.NewSecret(string(b))}
}

// ParseKey reads what Text wrote; white space, dashes and the case of letters
// make no difference. Its errors hold nothing of the text.
func ParseKey(text string) (Key, error) {
	compact := func(s string) string {
		return strings.NewReplacer("-", "", " ", "", "\t", "", "\r", "", "\n", "").Replace(strings.ToUpper(s))
	}
	digits, ours := strings.CutPrefix(compact(text), compact(keyPrefix))
	b, err := encoding.DecodeString(digits)
	if !ours || err != nil || len(b) != keySize+digest {
		return Key{}, ErrNotAKey
	}
	if sum := sha256.Sum256(b[:keySize]); string(sum[:digest]) != string(b[keySize:]) {
		return Key{}, ErrNotAKey
	}
	return Key{store.NewSecret(string(b[:keySize]))}, nil
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is the one line that a key file holds, without its end.
func (k Key) Text() store.Secret {
	b := []byte(k.secret.Reveal())
	sum := sha256.Sum256(b)
	digits := encoding.EncodeToString(append(b, sum[:digest]...))
	var groups []string
	for len(digits) > 0 {
		n := min(groupSize, len(digits))
		groups, digits = append(groups, digits[:n]), digits[n:]
	}
	return store.NewSecret(keyPrefix + strings.Join(groups, "-"))
}

// ID names a key without telling anything of it: 16 hexadecimal digits.
func (k Key) ID() string {
	b := k.derive("id", 8)
	return hex.EncodeToString(b)
}

func (k Key) wrapper() (*subtle.AESGCM, error) {
	return subtle.NewAESGCM(k.derive("wrap", keySize))
}

func (k Key) derive(purpose string, size int) []byte {
	b, err := hkdf.Key(sha256.New, []byte(k.secret.Reveal()), nil, "webex-tokend/key/"+purpose, size)
	if err != nil {
		panic(fmt.Sprintf("derive %d bytes: %v", size, err)) // too many for HKDF
	}
	return b
}
