package seal_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
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

// BenchmarkMigration seals a store from before sealing, which the first start
// with a key does before it is ready.
//
//	go test -run '^$' -bench Migration -benchtime 1x ./store/seal
//	WEBEX_TOKEND_GRANTS=1000000 go test -run '^$' -bench Migration -benchtime 1x ./store/seal
func BenchmarkMigration(b *testing.B) {
	grants := 50_000
	if n, err := strconv.Atoi(os.Getenv("WEBEX_TOKEND_GRANTS")); err == nil {
		grants = n
	}
	path := filepath.Join(b.TempDir(), "store.db")
	kv, err := boltkv.Open(configOf(path))
	if err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(b.Context(), kv, store.Config{})
	if err != nil {
		b.Fatal(err)
	}
	if err := fillLifelike(b.Context(), s, grants); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		copied := path + ".copy"
		content, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(copied, content, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := seal.Migrate(configOf(copied), seal.NewKey()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(grants)*float64(b.N)/b.Elapsed().Seconds(), "grants/s")
}

// fillLifelike stores grants with tokens as long as those of Webex.
func fillLifelike(ctx context.Context, s *store.Store, grants int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(512)
	for i := range grants {
		group.Go(func() error {
			text := make([]byte, 600)
			rand.Read(text)
			token := base64.RawURLEncoding.EncodeToString(text)
			due := time.UnixMilli(1_790_000_000_000 + int64(i)).UTC()
			_, err := s.Put(ctx, store.Update{Expect: store.Absent, Record: &store.Record{
				Name: fmt.Sprintf("tenant-%07d", i), Integration: "rest", Kind: "rest", Generation: 1, DueAt: due,
				Token:   store.Token{Access: store.NewSecret(token[:770]), ExpiresAt: due},
				Refresh: store.RefreshToken{Value: store.NewSecret(token[600:]), EndsAt: due},
			}})
			return err
		})
	}
	return group.Wait()
}
