package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// IdentityBlob is the blob that every store has: the key of its fingerprints,
// 32 bytes, sealed.
const IdentityBlob = "identity"

// Fingerprint recognises a refresh token without keeping it.
func (s *Store) Fingerprint(token Secret) Fingerprint {
	mac := hmac.New(sha256.New, s.fingerprint[:])
	mac.Write([]byte(token.Reveal()))
	return Fingerprint(mac.Sum(nil)[:8])
}

func (s *Store) loadIdentity(ctx context.Context) error {
	b, err := s.kv.Blob(ctx, IdentityBlob)
	if errors.Is(err, ErrNotFound) {
		fresh := make([]byte, len(s.fingerprint))
		rand.Read(fresh)
		sealed, err := s.seal.Seal(identityPlace, fresh)
		if err != nil {
			return fmt.Errorf("seal store identity: %w", err)
		}
		if err := s.NoteAligned(ctx); err != nil { // nothing is in another place
			return err
		}
		if _, err := s.kv.SwapBlob(ctx, IdentityBlob, Absent, sealed); err != nil && !errors.Is(err, ErrConflict) {
			return fmt.Errorf("store identity: %w", err)
		}
		return s.loadIdentity(ctx)
	}
	if err != nil {
		return fmt.Errorf("read store identity: %w", err)
	}
	plain, err := s.seal.Open(identityPlace, b.Value)
	if err != nil {
		return fmt.Errorf("open store identity: %w", err)
	}
	if len(plain) != len(s.fingerprint) {
		return fmt.Errorf("store identity has %d bytes", len(plain))
	}
	copy(s.fingerprint[:], plain)
	return nil
}
