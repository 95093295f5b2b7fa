package store

import (
	"encoding/binary"
	"math"
	"time"
)

// Ranks are milliseconds since the epoch; instants before it rank as 1, so
// that rank 0 stays free for marks, and never ranks last.

const never = math.MaxUint64

func rank(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 1)) }

func rankOrLast(t time.Time) uint64 {
	if t.IsZero() {
		return never
	}
	return rank(t)
}

func unrank(r uint64) time.Time { return time.UnixMilli(int64(r)).UTC() }

func unrankLast(r uint64) time.Time {
	if r == never {
		return time.Time{}
	}
	return unrank(r)
}

func unrankBytes(b []byte) time.Time {
	if len(b) != 8 {
		return time.Time{}
	}
	return unrankLast(binary.BigEndian.Uint64(b))
}

// entries returns where a record stands in Due and Attention.
func entries(r *Record) []Entry {
	if r.Removed {
		return nil
	}
	p := r.Place()
	list := []Entry{{Index: AttentionIndex, Group: p.group(), Rank: rankOrLast(r.EndsAt()), Name: r.Name}}
	if p.expires(r) && !r.Token.ExpiresAt.IsZero() {
		p.Part = Expires
		list = append(list, Entry{Index: AttentionIndex, Group: p.group(), Rank: rank(r.Token.ExpiresAt), Name: r.Name})
	}
	if refreshed(r) {
		list = append(list, Entry{
			Index: DueIndex,
			Group: r.Integration,
			Rank:  rank(r.DueAt),
			Name:  r.Name,
			Value: binary.BigEndian.AppendUint64(nil, rankOrLast(r.Token.ExpiresAt)),
		})
	}
	return list
}

// EndsAt is from when on only a human can help: the end of the refresh window,
// or of the access token where there is nothing to refresh it with. Zero: not
// known to end.
func (r *Record) EndsAt() time.Time {
	if r.Refresh.Value.Empty() {
		return r.Token.ExpiresAt
	}
	return r.Refresh.EndsAt
}

// refreshed reports whether a record has a place in the schedule: what is paused
// keeps its due time for later, and must not be found by every sweep till then.
func refreshed(r *Record) bool {
	state := r.Condition().State
	return !r.DueAt.IsZero() && state != Paused && state != Unverified
}
