package store_test

import (
	"bytes"
	"errors"
	"testing"

	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

// claims is a store with one grant in it.
func claims(t *testing.T) (*store.Store, *storetest.Memory, store.Stored) {
	t.Helper()
	kv := new(storetest.Memory)
	s, err := store.Open(t.Context(), kv, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := s.Put(t.Context(), store.Update{Record: &store.Record{Name: "ops", Integration: "crm"}})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.Get(t.Context(), "ops")
	if err != nil || stored.Revision != revision {
		t.Fatal(err)
	}
	return s, kv, stored
}

func claim(t *testing.T, s *store.Store, at store.Stored, owner string, over *store.OpenIntent) *store.OpenIntent {
	t.Helper()
	o, err := s.Claim(t.Context(), at.Name, at.Revision, store.Intent{Attempt: 1, Owner: owner}, over)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAGrantIsClaimedOnce(t *testing.T) {
	s, _, ops := claims(t)
	first := claim(t, s, ops, "a/1", nil)
	if _, err := s.Claim(t.Context(), "ops", ops.Revision, store.Intent{Owner: "b/1"}, nil); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second claim: %v", err)
	}
	if there, err := s.Intent(t.Context(), "ops"); err != nil || there.Nonce != first.Nonce || there.Owner != "a/1" {
		t.Errorf("%+v is open, with %v", there, err)
	}
	next := claim(t, s, ops, "a/1", first)
	if _, err := s.Claim(t.Context(), "ops", ops.Revision, store.Intent{Owner: "b/1"}, first); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a claim over one that was replaced: %v", err)
	}
	if next.Nonce == first.Nonce {
		t.Error("two claims have one nonce")
	}
}

func TestAnUpdateClosesItsOwnIntentAndNoOther(t *testing.T) {
	s, _, ops := claims(t)
	mine := claim(t, s, ops, "a/1", nil)
	theirs := claim(t, s, ops, "b/1", mine)
	if _, err := s.Put(t.Context(), store.Update{Record: ops.Record, Expect: ops.Revision, Close: mine}); !errors.Is(err, store.ErrIntentLost) {
		t.Errorf("closing another one's: %v", err)
	}
	if there, err := s.Intent(t.Context(), "ops"); err != nil || there.Nonce != theirs.Nonce {
		t.Errorf("open is %+v, with %v", there, err)
	}
	if _, err := s.Put(t.Context(), store.Update{Record: ops.Record, Expect: ops.Revision, Close: theirs}); err != nil {
		t.Errorf("closing one's own: %v", err)
	}
	if _, err := s.Intent(t.Context(), "ops"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("still open: %v", err)
	}
	if _, err := s.Put(t.Context(), store.Update{Record: ops.Record, Expect: ops.Revision, Close: theirs}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("from an old revision: %v", err)
	}
}

func TestAWithdrawalLeavesAnotherIntentOpen(t *testing.T) {
	s, _, ops := claims(t)
	mine := claim(t, s, ops, "a/1", nil)
	theirs := claim(t, s, ops, "b/1", mine)
	if err := s.Withdraw(t.Context(), *mine); err != nil {
		t.Error(err)
	}
	if there, err := s.Intent(t.Context(), "ops"); err != nil || there.Nonce != theirs.Nonce {
		t.Errorf("open is %+v, with %v", there, err)
	}
	if err := s.Withdraw(t.Context(), *theirs); err != nil {
		t.Error(err)
	}
	if _, err := s.Intent(t.Context(), "ops"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("still open: %v", err)
	}
}

// shifting seals by a byte that a rotation changes.
type shifting struct{ key byte }

func (s *shifting) Seal(_ string, plain []byte) ([]byte, error) {
	return append([]byte{s.key}, plain...), nil
}
func (s *shifting) Open(_ string, sealed []byte) ([]byte, error) { return sealed[1:], nil }

func TestAnIntentThatWasSealedAnewIsTheSameOne(t *testing.T) {
	kv, key := new(storetest.Memory), &shifting{1}
	s, err := store.Open(t.Context(), kv, store.Config{Seal: key})
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(ops store.Stored, mine *store.OpenIntent) error{
		func(ops store.Stored, mine *store.OpenIntent) error {
			_, err := s.Put(t.Context(), store.Update{Record: ops.Record, Expect: ops.Revision, Close: mine})
			return err
		},
		func(_ store.Stored, mine *store.OpenIntent) error { return s.Withdraw(t.Context(), *mine) },
		func(ops store.Stored, mine *store.OpenIntent) error {
			next, err := s.Claim(t.Context(), "ops", ops.Revision, store.Intent{Owner: "a/1"}, mine)
			if err != nil {
				return err
			}
			return s.Withdraw(t.Context(), *next)
		},
	} {
		if _, err := s.Put(t.Context(), store.Update{Record: &store.Record{Name: "ops"}, Expect: store.Any}); err != nil {
			t.Fatal(err)
		}
		ops, err := s.Get(t.Context(), "ops")
		if err != nil {
			t.Fatal(err)
		}
		mine := claim(t, s, ops, "a/1", nil)
		key.key++
		if err := s.ResealRest(t.Context(), func(sealed []byte) bool { return !bytes.HasPrefix(sealed, []byte{key.key}) }); err != nil {
			t.Fatal(err)
		}
		if err := end(ops, mine); err != nil {
			t.Error(err)
		}
		if _, err := s.Intent(t.Context(), "ops"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it is open: %v", err)
		}
	}
}
