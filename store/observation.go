package store

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// Observations come once a day and differ little, so each is drawn against the
// one before it; the first against zeros:
//
//	flags   1 byte: 1 same refresh token, 2 same access token, 4 window end
//	        known, 8 access life as before, 16 window end as last known
//	at      varint, seconds since the observation before
//	window  varint, seconds from at to the end of the window, less that number
//	        as last known (with flag 4, without 16)
//	life    varint, seconds of access life (without flag 8)
//
// One observation takes 5 or 6 bytes of a sliding window, 4 of a fixed one.
const (
	sameRefresh = 1 << iota
	sameAccess
	endKnown
	lifeAsBefore
	endAsBefore
)

func encodeObservations(list []Observation) []byte {
	list = list[max(0, len(list)-MaxObservations):]
	b := make([]byte, 0, 8*len(list))
	var at, end, window, life int64
	for _, o := range list {
		var flags byte
		if o.SameRefresh {
			flags |= sameRefresh
		}
		if o.SameAccess {
			flags |= sameAccess
		}
		if !o.EndsAt.IsZero() {
			flags |= endKnown
			if o.EndsAt.Unix() == end {
				flags |= endAsBefore
			}
		}
		seconds := int64(max(o.AccessLife, 0) / time.Second)
		if seconds == life {
			flags |= lifeAsBefore
		}
		b = append(b, flags)
		b = binary.AppendVarint(b, o.At.Unix()-at)
		at, life = o.At.Unix(), seconds
		if flags&endKnown != 0 {
			end = o.EndsAt.Unix()
			if flags&endAsBefore == 0 {
				b = binary.AppendVarint(b, end-at-window)
			}
			window = end - at
		}
		if flags&lifeAsBefore == 0 {
			b = binary.AppendVarint(b, seconds)
		}
	}
	return b
}

var errObservations = errors.New("its observations are malformed")

func decodeObservations(b []byte) ([]Observation, error) {
	if len(b) == 0 {
		return nil, nil
	}
	list := make([]Observation, 0, min(len(b)/4+1, MaxObservations))
	var at, end, window, life int64
	for d := (deltas{rest: b}); len(d.rest) > 0; {
		if len(list) == MaxObservations {
			return nil, errObservations
		}
		flags := d.flags()
		at += d.next()
		o := Observation{
			At:          time.Unix(at, 0).UTC(),
			SameRefresh: flags&sameRefresh != 0,
			SameAccess:  flags&sameAccess != 0,
		}
		if flags&endKnown != 0 {
			if flags&endAsBefore == 0 {
				end = at + window + d.next()
			}
			window = end - at
			o.EndsAt = time.Unix(end, 0).UTC()
		}
		if flags&lifeAsBefore == 0 {
			life = d.next()
		}
		if d.short || life < 0 || life > math.MaxInt64/int64(time.Second) {
			return nil, errObservations
		}
		o.AccessLife = time.Duration(life) * time.Second
		list = append(list, o)
	}
	return list, nil
}

// deltas reads flags and varints until something is missing.
type deltas struct {
	rest  []byte
	short bool
}

func (d *deltas) flags() byte {
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *deltas) next() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.short = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}
