package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Place is a group of the attention index. Within it grants stand in the order
// of Record.EndsAt, or of the expiry of their access tokens in the part Expires.
// Together the places let a list be read in the order of urgency, although that
// depends on the time: what is urgent because of an end is at the front.
type Place struct {
	Integration string
	State       State // that the record itself bears out
	Part        Part
}

// A Part is of the grants in one state.
type Part string

// Parts of a state. Every grant is in one of the first four.
const (
	Plain   Part = ""
	Slides  Part = "slides"  // of OK: the next refresh moves the end
	Refused Part = "refused" // of Retrying and Unknown: so was the refresh token
	Often   Part = "often"   // of Retrying: it failed at least Tries times
	// Expires has those of Retrying, Unknown and Paused a second time, by the
	// expiry of their access tokens, and those of OK that are due after it.
	Expires Part = "expires"
)

// Tries is how many refreshes fail in a row when that is no passing trouble.
const Tries = 3

// Place returns where a record stands by itself.
func (r *Record) Place() Place {
	p := Place{Integration: r.Integration, State: r.Condition().State}
	switch p.State {
	case OK:
		if r.Movement() == Sliding {
			p.Part = Slides
		}
	case Retrying, Unknown:
		switch {
		case r.Rejection.Count > 0:
			p.Part = Refused
		case p.State == Retrying && r.Failures >= Tries:
			p.Part = Often
		}
	}
	return p
}

// DueInTime reports whether the schedule has a grant before its token expires.
func (r *Record) DueInTime() bool { return !r.DueAt.IsZero() && r.DueAt.Before(r.Token.ExpiresAt) }

// expires reports whether a record in this place stands in the part Expires too.
// While a grant is well, its due time tells that its token is about to expire.
func (p Place) expires(r *Record) bool {
	switch p.State {
	case OK:
		return !r.Refresh.Value.Empty() && !r.DueInTime()
	case Retrying, Unknown:
		return p.Part != Refused
	case Paused:
		return true
	}
	return false
}

// group joins with a slash, and the part with a colon: no state has either, so
// the last ones part them again whatever the integration is called.
func (p Place) group() string {
	group := p.Integration + "/" + string(p.State)
	if p.Part != Plain {
		group += ":" + string(p.Part)
	}
	return group
}

func placeOf(group string) (p Place) {
	i := strings.LastIndexByte(group, '/')
	state, part, _ := strings.Cut(group[i+1:], ":")
	return Place{Integration: group[:i], State: State(state), Part: Part(part)}
}

// An AttentionGrant is an entry of a place.
type AttentionGrant struct {
	Name string
	At   time.Time // what the place orders by; zero: never, which comes last
}

// Attention returns up to limit grants of a place, the nearest instant first:
// after the given one when it is not nil, and before that instant when it is not
// zero.
func (s *Store) Attention(ctx context.Context, p Place, after *AttentionGrant, before time.Time, limit int) ([]AttentionGrant, error) {
	q := Query{Index: AttentionIndex, Group: p.group(), Limit: limit}
	if after != nil {
		q.After = Position{Rank: rankOrLast(after.At), Name: after.Name}
	}
	if !before.IsZero() {
		q.Below = rank(before)
	}
	list, err := s.kv.Range(ctx, q)
	if err != nil {
		return nil, err
	}
	grants := make([]AttentionGrant, 0, len(list))
	for _, e := range list {
		grants = append(grants, AttentionGrant{e.Name, unrankLast(e.Rank)})
	}
	return grants, nil
}

// A Counted is a place with the number of its grants.
type Counted struct {
	Place
	Grants int
}

// Places returns those that hold grants; complete is false while the backend
// still counts in the background after its opening.
func (s *Store) Places(ctx context.Context) (list []Counted, complete bool, err error) {
	groups, complete, err := s.kv.Groups(ctx, AttentionIndex)
	if err != nil {
		return nil, false, err
	}
	for _, group := range groups {
		n, _, err := s.kv.Count(ctx, AttentionIndex, group)
		if err != nil {
			return nil, false, err
		}
		if n > 0 {
			list = append(list, Counted{placeOf(group), n})
		}
	}
	return list, complete, nil
}

// Grants returns how many there are in the whole store.
func (s *Store) Grants(ctx context.Context) (n int, err error) {
	places, _, err := s.Places(ctx)
	for _, p := range places {
		if p.Part != Expires {
			n += p.Grants
		}
	}
	return n, err
}

// indexVersion changes when grants stand in other places than before, so that an
// older store is brought in line, see Aligned.
const (
	indexVersion = "2"
	indexBlob    = "index"
)

// Aligned reports whether the indexes are those of this build. Where they are
// not, Audit brings them in line; until then a list may show a grant where an
// older build had it.
func (s *Store) Aligned(ctx context.Context) (bool, error) {
	blob, err := s.kv.Blob(ctx, indexBlob)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && string(blob.Value) == indexVersion, err
}

// NoteAligned remembers that Audit went through the whole store.
func (s *Store) NoteAligned(ctx context.Context) error {
	if _, err := s.kv.SwapBlob(ctx, indexBlob, Any, []byte(indexVersion)); err != nil {
		return fmt.Errorf("note that the indexes are in line: %w", err)
	}
	return nil
}
