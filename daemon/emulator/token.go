package emulator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Tokens are not stored: a token is its own description, sealed, so that a
// million grants fit into memory and reading one back needs no look-up.
//
//	block   16 bytes, encrypted with AES
//	        purpose 1 | grant ID 4 | serial 4 | end in ms 6 | zero 1
//	tag      5 bytes, the beginning of the encrypted inverse of the block
//	filler   3 bytes for each 8 that Config.AccessSize wants more
//
// The opaque form is the one of Webex, three parts with the organisation last:
//
//	base64(hex(block tag filler)) _PF84_ 1eb65fdf-9643-417f-9974-ad72cae0e10f
//
// Base64 over hexadecimal digits has neither '_' nor '+', and 21 bytes need no
// padding. The JWT form carries block and tag in its claim jti.

type purpose byte

const (
	accessPurpose  purpose = 'a'
	refreshPurpose purpose = 'r'
)

// A description has the content of a self-contained token.
type description struct {
	purpose purpose
	grant   GrantID
	serial  uint32 // 1 for the first token of this purpose in the grant
	end     int64  // ms since 1970; 0 for refresh tokens, whose end may move
}

const (
	tagSize    = 5
	sealedSize = aes.BlockSize + tagSize
	opaqueSize = 98 // of a token without filler
	cluster    = "_PF84_"
)

// mint makes tokens and reads them. It is safe for concurrent use.
type mint struct {
	block  cipher.Block
	filler int // bytes in access tokens
	jwt    bool
}

func newMint(cfg Config) *mint {
	key := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("tokens "), cfg.Seed))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length of the key is right
	}
	return &mint{block: block, filler: max(0, (cfg.AccessSize-opaqueSize+7)/8*3), jwt: cfg.JWT}
}

// seal returns block, tag and as much filler as asked for.
func (m *mint) seal(d description, filler int) []byte {
	sealed := make([]byte, 0, sealedSize+filler+aes.BlockSize)
	sealed = append(sealed, byte(d.purpose))
	sealed = binary.BigEndian.AppendUint32(sealed, uint32(d.grant))
	sealed = binary.BigEndian.AppendUint32(sealed, d.serial)
	sealed = binary.BigEndian.AppendUint64(sealed, uint64(d.end)<<16)[:aes.BlockSize]
	m.block.Encrypt(sealed, sealed)

	next := [aes.BlockSize]byte(sealed)
	for i := range next {
		next[i] = ^next[i]
	}
	for len(sealed) < sealedSize+filler {
		m.block.Encrypt(next[:], next[:])
		sealed = append(sealed, next[:min(aes.BlockSize, sealedSize+filler-len(sealed))]...)
	}
	return sealed
}

// open reads the block of what seal made. It believes anything of the right
// length: whoever acts on the description writes the token again and compares.
func (m *mint) open(sealed []byte) (description, bool) {
	if len(sealed) < sealedSize {
		return description{}, false
	}
	var plain [aes.BlockSize]byte
	m.block.Decrypt(plain[:], sealed[:aes.BlockSize])
	return description{
		purpose: purpose(plain[0]),
		grant:   GrantID(binary.BigEndian.Uint32(plain[1:])),
		serial:  binary.BigEndian.Uint32(plain[5:]),
		end:     int64(binary.BigEndian.Uint64(plain[8:]) >> 8 & (1<<48 - 1)),
	}, true
}

// refresh writes the refresh token with this serial.
func (m *mint) refresh(id GrantID, serial uint32, org string) string {
	return opaque(m.seal(description{purpose: refreshPurpose, grant: id, serial: serial}, 0), org)
}

// access writes an access token in the configured form; selfContained asks for
// a JWT whatever is configured.
func (m *mint) access(d description, client *registration, org string, selfContained bool) string {
	d.purpose = accessPurpose
	if m.jwt || selfContained {
		return m.jsonWebToken(d, client, org)
	}
	return opaque(m.seal(d, m.filler), org)
}

func opaque(sealed []byte, org string) string {
	digits := hex.AppendEncode(make([]byte, 0, 2*len(sealed)), sealed)
	text := make([]byte, 0, base64.StdEncoding.EncodedLen(len(digits))+len(cluster)+len(org))
	text = base64.StdEncoding.AppendEncode(text, digits)
	text = append(text, cluster...)
	return string(append(text, org...))
}

// claims are those seen in a decoded sample of Webex's documentation. Private
// stands for the encrypted part of the real ones, and for their size.
type claims struct {
	Expiry   int64  `json:"expiry_time"` // ms since 1970
	Client   string `json:"client_id"`
	Realm    string `json:"realm"`
	Type     string `json:"token_type"`
	Issuer   string `json:"iss"`
	UserType string `json:"user_type"`
	Cluster  string `json:"cluster"`
	ID       string `json:"jti"`
	Private  string `json:"private"`
}

const (
	privateSize   = 480 // bytes, before two encodings
	signatureSize = 256 // bytes, of a 2048-bit RSA key
)

func (m *mint) jsonWebToken(d description, client *registration, org string) string {
	sealed := m.seal(d, privateSize+signatureSize)
	random := sealed[sealedSize:]
	payload, err := json.Marshal(claims{
		Expiry:   d.end,
		Client:   client.ID,
		Realm:    org,
		Type:     "Bearer",
		Issuer:   "https://idbroker.webex.com/idb",
		UserType: "user",
		Cluster:  "PF84",
		ID:       hex.EncodeToString(sealed[:sealedSize]),
		Private:  base64.RawURLEncoding.EncodeToString(random[:privateSize]),
	})
	if err != nil {
		panic(err) // nothing in claims can fail
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(payload) + "." + encode(random[privateSize:])
}

// read takes the description out of a token of either form, unchecked as open
// leaves it.
func (m *mint) read(token string) (description, bool) {
	digits, err := innerDigits(token)
	if err != nil {
		return description{}, false
	}
	sealed, err := hex.DecodeString(digits)
	if err != nil {
		return description{}, false
	}
	return m.open(sealed)
}

// innerDigits finds the hexadecimal digits of block and tag.
func innerDigits(token string) (string, error) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			return "", err
		}
		var c claims
		err = json.Unmarshal(payload, &c)
		return c.ID, err
	}
	body, _, _ := strings.Cut(token, cluster)
	digits, err := base64.StdEncoding.DecodeString(body)
	return string(digits), err
}
