package store

import "errors"

// An encoded intent is the format version, then
//
//	1 at  2 attempt  3 generation  4 fingerprint, 8 bytes
//
// in the encoding of records. Unknown fields are skipped.

func encodeIntent(i Intent) []byte {
	b := make([]byte, 1, 32)
	b[0] = formatVersion
	b = appendTime(b, 1, i.At)
	b = appendUint(b, 2, i.Attempt)
	b = appendUint(b, 3, i.Generation)
	return appendBytes(b, 4, i.Fingerprint[:])
}

func decodeIntent(b []byte) (Intent, error) {
	b, err := cutVersion(b)
	if err != nil {
		return Intent{}, err
	}
	var i Intent
	f := readFields(b)
	for f.next() {
		switch f.number {
		case 1:
			i.At = f.time()
		case 2:
			i.Attempt = f.uint()
		case 3:
			i.Generation = f.uint()
		case 4:
			if len(f.octets()) != len(i.Fingerprint) {
				return Intent{}, errors.New("its fingerprint has the wrong length")
			}
			i.Fingerprint = Fingerprint(f.bytes)
		}
	}
	if f.err != nil {
		return Intent{}, f.err
	}
	return i, nil
}
