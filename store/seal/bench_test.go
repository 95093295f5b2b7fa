package seal_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"testing"
)

// BenchmarkRecord seals and opens a record of the usual size beside bare
// AES-256-GCM with a random nonce. The difference is what the keyset and the
// associated data cost.
func BenchmarkRecord(b *testing.B) {
	plain := make([]byte, 1400)
	rand.Read(plain)
	h := newHost(b)
	block, err := aes.NewCipher(plain[:32])
	if err != nil {
		b.Fatal(err)
	}
	bare, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		b.Fatal(err)
	}
	place := []byte("record/ops")
	for _, c := range []struct {
		name string
		seal func() ([]byte, error)
		open func([]byte) ([]byte, error)
	}{
		{"ring", func() ([]byte, error) { return h.ring.Seal("record/ops", plain) },
			func(sealed []byte) ([]byte, error) { return h.ring.Open("record/ops", sealed) }},
		{"bare", func() ([]byte, error) { return bare.Seal(nil, nil, plain, place), nil },
			func(sealed []byte) ([]byte, error) { return bare.Open(nil, nil, sealed, place) }},
	} {
		b.Run("seal/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.seal(); err != nil {
					b.Fatal(err)
				}
			}
		})
		sealed, err := c.seal()
		if err != nil {
			b.Fatal(err)
		}
		b.Run("open/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.open(sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
