package store

import (
	"errors"
	"fmt"
)

// ErrNewerFormat: what is stored was written by a newer build, in a format
// that this one does not know. Nothing is changed.
var ErrNewerFormat = errors.New("written in a newer format")

// formatVersion is the first byte of every encoded record and intent. The
// fields after it are those of a protocol buffer:
//
//	 1 name             16 due                  31 observations, see observation.go
//	 2 integration      17 assumed access       32 person
//	 3 kind             18 assumed window       token:
//	 4 generation       19 paused since           1 access  2 type  3 scope
//	 5 token            20 undeclared since       4 issued  5 expires
//	 6 refresh token    21 unverified since     refresh token:
//	 7 fallback, 0..2   22 reauthorize since      1 value  2 first seen  3 ends
//	 8 redirect URI     23 unknown since        last error:
//	 9 code verifier    24 failing since          1 at  2 status  3 code
//	10 user             25 failures               4 description  5 tracking ID
//	11 email            26 reason               rejection:
//	12 site             27 last error             1 first  2 last  3 count
//	13 registered       28 rejection
//	14 last refresh     29 removed
//	15 last attempt     30 fingerprints, 8 bytes each
//	                                            person:
//	                                              1 ID  2 organisation  3 name
//	33 unread answer                            unread answer: 1 at  2 body
//	34 registered, 8 bytes each
//
// Instants are zigzag varints of milliseconds since the epoch. A zero value
// has no field. A build keeps fields of the record that it does not know and
// writes them back, so that going back one release and forward again loses
// nothing; it drops unknown fields of the messages inside. A change that an
// older build must not ignore takes a new version.
const formatVersion = 1

// encode never fails: lists longer than their limit lose their oldest
// elements, fallbacks their last.
func encode(r *Record) []byte {
	token, refresh := encodeToken(&r.Token), encodeRefreshToken(&r.Refresh)
	b := make([]byte, 1, 1536+len(token)+len(refresh))
	b[0] = formatVersion
	b = appendText(b, 1, r.Name)
	b = appendText(b, 2, r.Integration)
	b = appendText(b, 3, r.Kind)
	b = appendUint(b, 4, r.Generation)
	b = appendBytes(b, 5, token)
	b = appendBytes(b, 6, refresh)
	for i := range r.Fallbacks[:min(len(r.Fallbacks), MaxFallbacks)] {
		b = appendMessage(b, 7, encodeRefreshToken(&r.Fallbacks[i]))
	}
	b = appendText(b, 8, r.RedirectURI)
	b = appendText(b, 9, r.CodeVerifier.Reveal())
	b = appendText(b, 10, r.User)
	b = appendText(b, 11, r.Email)
	b = appendText(b, 12, r.Site)
	b = appendTime(b, 13, r.RegisteredAt)
	b = appendTime(b, 14, r.LastRefreshAt)
	b = appendTime(b, 15, r.LastAttemptAt)
	b = appendTime(b, 16, r.DueAt)
	b = appendBool(b, 17, r.AssumedAccess)
	b = appendBool(b, 18, r.AssumedWindow)
	b = appendTime(b, 19, r.PausedSince)
	b = appendTime(b, 20, r.UndeclaredSince)
	b = appendTime(b, 21, r.UnverifiedSince)
	b = appendTime(b, 22, r.ReauthorizeSince)
	b = appendTime(b, 23, r.UnknownSince)
	b = appendTime(b, 24, r.FailingSince)
	b = appendUint(b, 25, r.Failures)
	b = appendText(b, 26, r.Reason)
	if r.LastError != nil {
		b = appendMessage(b, 27, encodeLastError(r.LastError))
	}
	b = appendBytes(b, 28, encodeRejection(&r.Rejection))
	b = appendBool(b, 29, r.Removed)
	b = appendBytes(b, 30, encodeFingerprints(r.Fingerprints, MaxFingerprints))
	b = appendBytes(b, 31, encodeObservations(r.Observations))
	b = appendBytes(b, 32, encodePerson(&r.Person))
	if u := r.Unread; u != nil {
		b = appendMessage(b, 33, appendText(appendTime(nil, 1, u.At), 2, u.Body.Reveal()))
	}
	b = appendBytes(b, 34, encodeFingerprints(r.Registered, MaxRegistered))
	return append(b, r.unknown...)
}

func encodeToken(t *Token) []byte {
	access := t.Access.Reveal()
	b := make([]byte, 0, len(access)+len(t.Type)+len(t.Scope)+32)
	b = appendText(b, 1, access)
	b = appendText(b, 2, t.Type)
	b = appendText(b, 3, t.Scope)
	b = appendTime(b, 4, t.IssuedAt)
	return appendTime(b, 5, t.ExpiresAt)
}

func encodeRefreshToken(t *RefreshToken) []byte {
	value := t.Value.Reveal()
	b := appendText(make([]byte, 0, len(value)+24), 1, value)
	b = appendTime(b, 2, t.FirstSeen)
	return appendTime(b, 3, t.EndsAt)
}

func encodeLastError(e *LastError) []byte {
	b := appendTime(nil, 1, e.At)
	b = appendUint(b, 2, uint64(max(e.Status, 0)))
	b = appendText(b, 3, e.Code)
	b = appendText(b, 4, e.Description)
	return appendText(b, 5, e.TrackingID)
}

func encodeRejection(j *Rejection) []byte {
	b := appendTime(nil, 1, j.First)
	b = appendTime(b, 2, j.Last)
	return appendUint(b, 3, j.Count)
}

func encodePerson(p *Person) []byte {
	var b []byte
	if p.ID != (Fingerprint{}) {
		b = appendBytes(b, 1, p.ID[:])
	}
	if p.OrgID != (Fingerprint{}) {
		b = appendBytes(b, 2, p.OrgID[:])
	}
	return appendText(b, 3, p.DisplayName)
}

func encodeFingerprints(list []Fingerprint, most int) []byte {
	list = list[max(0, len(list)-most):]
	b := make([]byte, 0, len(list)*len(Fingerprint{}))
	for _, f := range list {
		b = append(b, f[:]...)
	}
	return b
}

// decode never panics, whatever it is given. Its errors hold nothing of the
// content.
func decode(b []byte) (*Record, error) {
	b, err := cutVersion(b)
	if err != nil {
		return nil, err
	}
	r := new(Record)
	if err := r.read(readFields(b)); err != nil {
		return nil, err
	}
	return r, nil
}

func cutVersion(b []byte) ([]byte, error) {
	switch {
	case len(b) == 0:
		return nil, errors.New("it is empty")
	case b[0] > formatVersion:
		return nil, fmt.Errorf("format %d: %w", b[0], ErrNewerFormat)
	case b[0] < formatVersion:
		return nil, fmt.Errorf("there is no format %d", b[0])
	}
	return b[1:], nil
}

func (r *Record) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			r.Name = f.text()
		case 2:
			r.Integration = f.text()
		case 3:
			r.Kind = f.text()
		case 4:
			r.Generation = f.uint()
		case 5:
			f.fail(r.Token.read(f.message()))
		case 6:
			f.fail(r.Refresh.read(f.message()))
		case 7:
			if len(r.Fallbacks) == MaxFallbacks {
				return errors.New("it has too many fallbacks")
			}
			r.Fallbacks = append(r.Fallbacks, RefreshToken{})
			f.fail(r.Fallbacks[len(r.Fallbacks)-1].read(f.message()))
		case 8:
			r.RedirectURI = f.text()
		case 9:
			r.CodeVerifier = f.secret()
		case 10:
			r.User = f.text()
		case 11:
			r.Email = f.text()
		case 12:
			r.Site = f.text()
		case 13:
			r.RegisteredAt = f.time()
		case 14:
			r.LastRefreshAt = f.time()
		case 15:
			r.LastAttemptAt = f.time()
		case 16:
			r.DueAt = f.time()
		case 17:
			r.AssumedAccess = f.bool()
		case 18:
			r.AssumedWindow = f.bool()
		case 19:
			r.PausedSince = f.time()
		case 20:
			r.UndeclaredSince = f.time()
		case 21:
			r.UnverifiedSince = f.time()
		case 22:
			r.ReauthorizeSince = f.time()
		case 23:
			r.UnknownSince = f.time()
		case 24:
			r.FailingSince = f.time()
		case 25:
			r.Failures = f.uint()
		case 26:
			r.Reason = f.text()
		case 27:
			r.LastError = new(LastError)
			f.fail(r.LastError.read(f.message()))
		case 28:
			f.fail(r.Rejection.read(f.message()))
		case 29:
			r.Removed = f.bool()
		case 30:
			list, err := decodeFingerprints(f.octets(), MaxFingerprints)
			r.Fingerprints = list
			f.fail(err)
		case 31:
			list, err := decodeObservations(f.octets())
			r.Observations = list
			f.fail(err)
		case 32:
			f.fail(r.Person.read(f.message()))
		case 33:
			r.Unread = new(Unread)
			f.fail(r.Unread.read(f.message()))
		case 34:
			list, err := decodeFingerprints(f.octets(), MaxRegistered)
			r.Registered = list
			f.fail(err)
		default:
			r.unknown = append(r.unknown, f.raw...)
		}
	}
	return f.err
}

func (t *Token) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			t.Access = f.secret()
		case 2:
			t.Type = f.text()
		case 3:
			t.Scope = f.text()
		case 4:
			t.IssuedAt = f.time()
		case 5:
			t.ExpiresAt = f.time()
		}
	}
	return f.err
}

func (t *RefreshToken) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			t.Value = f.secret()
		case 2:
			t.FirstSeen = f.time()
		case 3:
			t.EndsAt = f.time()
		}
	}
	return f.err
}

func (e *LastError) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			e.At = f.time()
		case 2:
			e.Status = int(f.uint())
		case 3:
			e.Code = f.text()
		case 4:
			e.Description = f.text()
		case 5:
			e.TrackingID = f.text()
		}
	}
	return f.err
}

func (u *Unread) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			u.At = f.time()
		case 2:
			u.Body = f.secret()
		}
	}
	return f.err
}

func (j *Rejection) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			j.First = f.time()
		case 2:
			j.Last = f.time()
		case 3:
			j.Count = f.uint()
		}
	}
	return f.err
}

func (p *Person) read(f fieldReader) error {
	for f.next() {
		switch f.number {
		case 1:
			copy(p.ID[:], f.octets())
		case 2:
			copy(p.OrgID[:], f.octets())
		case 3:
			p.DisplayName = f.text()
		}
	}
	return f.err
}

func decodeFingerprints(b []byte, most int) ([]Fingerprint, error) {
	const size = len(Fingerprint{})
	if len(b)%size != 0 || len(b) > most*size {
		return nil, fmt.Errorf("its fingerprints take %d bytes", len(b))
	}
	if len(b) == 0 {
		return nil, nil
	}
	list := make([]Fingerprint, 0, len(b)/size)
	for ; len(b) > 0; b = b[size:] {
		list = append(list, Fingerprint(b[:size]))
	}
	return list, nil
}
