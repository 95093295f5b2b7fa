package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// bare returns a copy without secrets, and the secrets: what holds a func is
// equal to nothing.
func bare(r *Record) (Record, []string) {
	c := *r
	secrets := []string{c.Token.Access.Reveal(), c.Refresh.Value.Reveal(), c.CodeVerifier.Reveal()}
	c.Token.Access, c.Refresh.Value, c.CodeVerifier = Secret{}, Secret{}, Secret{}
	c.Fallbacks = append([]RefreshToken(nil), r.Fallbacks...)
	for i := range c.Fallbacks {
		secrets = append(secrets, c.Fallbacks[i].Value.Reveal())
		c.Fallbacks[i].Value = Secret{}
	}
	if u := r.Unread; u != nil {
		secrets = append(secrets, u.Body.Reveal())
		c.Unread = &Unread{At: u.At}
	}
	return c, secrets
}

func checkSame(t interface{ Fatalf(string, ...any) }, got, want *Record) {
	gotBare, gotSecrets := bare(got)
	wantBare, wantSecrets := bare(want)
	if !reflect.DeepEqual(gotBare, wantBare) {
		t.Fatalf("got  %+v\nwant %+v", gotBare, wantBare)
	}
	if !reflect.DeepEqual(gotSecrets, wantSecrets) {
		t.Fatalf("secrets differ")
	}
}

var (
	drawText   = rapid.String()
	drawSecret = rapid.Map(rapid.StringN(0, 900, -1), NewSecret)
	drawTime   = rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(-1e14, 1e14).Draw(t, "ms")).UTC()
	})
	drawRefresh = rapid.Custom(func(t *rapid.T) RefreshToken {
		return RefreshToken{drawSecret.Draw(t, "value"), drawTime.Draw(t, "seen"), drawTime.Draw(t, "ends")}
	})
	drawObservation = rapid.Custom(func(t *rapid.T) Observation {
		whole := func(v time.Time) time.Time {
			if v.IsZero() {
				return v
			}
			return v.Truncate(time.Second)
		}
		return Observation{whole(drawTime.Draw(t, "at")), whole(drawTime.Draw(t, "ends")),
			time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "life")) * time.Second,
			rapid.Bool().Draw(t, "same refresh"), rapid.Bool().Draw(t, "same access")}
	})
	drawFingerprint = rapid.Custom(func(t *rapid.T) Fingerprint {
		return Fingerprint(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "bytes"))
	})
)

func few[T any](t *rapid.T, one *rapid.Generator[T], most int, label string) []T {
	if list := rapid.SliceOfN(one, 0, most).Draw(t, label); len(list) > 0 {
		return list
	}
	return nil
}

var drawRecord = rapid.Custom(func(t *rapid.T) *Record {
	r := &Record{
		Name: drawText.Draw(t, "name"), Integration: drawText.Draw(t, "integration"), Kind: drawText.Draw(t, "kind"),
		Generation: rapid.Uint64().Draw(t, "generation"),
		Token: Token{drawSecret.Draw(t, "access"), drawText.Draw(t, "type"), drawText.Draw(t, "scope"),
			drawTime.Draw(t, "issued"), drawTime.Draw(t, "expires")},
		Refresh:     drawRefresh.Draw(t, "refresh"),
		Fallbacks:   few(t, drawRefresh, MaxFallbacks, "fallbacks"),
		RedirectURI: drawText.Draw(t, "uri"), CodeVerifier: drawSecret.Draw(t, "verifier"),
		User: drawText.Draw(t, "user"), Email: drawText.Draw(t, "email"), Site: drawText.Draw(t, "site"),
		Person:        Person{drawFingerprint.Draw(t, "person"), drawFingerprint.Draw(t, "org"), drawText.Draw(t, "name")},
		AssumedAccess: rapid.Bool().Draw(t, "assumed"), AssumedWindow: rapid.Bool().Draw(t, "assumed"),
		Failures: rapid.Uint64().Draw(t, "failures"), Reason: drawText.Draw(t, "reason"),
		Rejection:    Rejection{drawTime.Draw(t, "first"), drawTime.Draw(t, "last"), rapid.Uint64().Draw(t, "count")},
		Removed:      rapid.Bool().Draw(t, "removed"),
		Fingerprints: few(t, drawFingerprint, MaxFingerprints, "fingerprints"),
		Registered:   few(t, drawFingerprint, MaxRegistered, "registered"),
		Observations: few(t, drawObservation, MaxObservations, "observations"),
	}
	for _, at := range []*time.Time{&r.RegisteredAt, &r.LastRefreshAt, &r.LastAttemptAt, &r.DueAt, &r.PausedSince,
		&r.UndeclaredSince, &r.UnverifiedSince, &r.ReauthorizeSince, &r.UnknownSince, &r.FailingSince} {
		*at = drawTime.Draw(t, "time")
	}
	if rapid.Bool().Draw(t, "failed") {
		r.LastError = &LastError{drawTime.Draw(t, "at"), rapid.IntRange(0, 999).Draw(t, "status"),
			drawText.Draw(t, "code"), drawText.Draw(t, "description"), drawText.Draw(t, "tracking")}
	}
	if rapid.Bool().Draw(t, "unread") {
		r.Unread = &Unread{drawTime.Draw(t, "unread at"), NewSecret(drawText.Draw(t, "body"))}
	}
	return r
})

func TestARecordIsDecodedAsItWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord.Draw(t, "record")
		got, err := decode(encode(r))
		if err != nil {
			t.Fatalf("decode: %v", err)
		}
		checkSame(t, got, r)
	})
}

func TestEveryFieldOfARecordIsEncoded(t *testing.T) {
	// A field that somebody adds and forgets in the codec stays zero here.
	r := reflect.ValueOf(fullRecord()).Elem()
	got, err := decode(encode(fullRecord()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.NumField() {
		field := r.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if r.Field(i).IsZero() {
			t.Errorf("the full record has no %s", field.Name)
		}
		if reflect.ValueOf(got).Elem().Field(i).IsZero() {
			t.Errorf("%s is not encoded", field.Name)
		}
	}
}

// fullRecord has every field at a length that occurs: names and addresses as
// people have them, a fixed window, which costs the most, and all lists full.
func fullRecord() *Record {
	at := time.UnixMilli(1_790_000_000_123).UTC()
	r := &Record{
		Name: "tenant-0012345", Integration: "meetings", Kind: "meetings", Generation: 4321,
		Token:        Token{NewSecret(strings.Repeat("a", 770)), "bearer", "all_read meeting_modify", at, at.Add(2 * time.Hour)},
		Refresh:      RefreshToken{NewSecret(strings.Repeat("r", 100)), at, at.AddDate(0, 0, 60)},
		Fallbacks:    []RefreshToken{{NewSecret(strings.Repeat("f", 100)), at, at.AddDate(0, 0, 60)}},
		RedirectURI:  "http://127.0.0.1:8411/oauth",
		CodeVerifier: NewSecret(strings.Repeat("v", 43)),
		User:         "jane.doe", Email: "jane.doe@example.com", Site: "acme",
		Person:       Person{Fingerprint{1}, Fingerprint{2}, "Jane Doe"},
		RegisteredAt: at, LastRefreshAt: at, LastAttemptAt: at, DueAt: at, AssumedAccess: true, AssumedWindow: true,
		PausedSince: at, UndeclaredSince: at, UnverifiedSince: at, ReauthorizeSince: at, UnknownSince: at, FailingSince: at, Failures: 3,
		Reason:    "refresh_token_rejected",
		LastError: &LastError{at, 400, "invalid_grant", strings.Repeat("d", 200), "ROUTER_64B0-012345"},
		Rejection: Rejection{at, at, 3}, Removed: true,
		Unread: &Unread{at, NewSecret("a cut off answer")},
	}
	for i := range MaxFingerprints {
		r.Fingerprints = append(r.Fingerprints, Fingerprint{byte(i), 2, 3, 4, 5, 6, 7, 8})
	}
	r.Registered = slices.Clone(r.Fingerprints[:MaxRegistered])
	for i := range MaxObservations {
		seen := at.Add(time.Duration(i) * (24*time.Hour + 7*time.Second)).Truncate(time.Second)
		r.Observations = append(r.Observations, Observation{seen, at.AddDate(0, 0, 60).Truncate(time.Second), 2 * time.Hour, i > 0, false})
	}
	return r
}

func TestAFullRecordTakesAKibibyteBesideTokensScopeAndLastError(t *testing.T) {
	r := fullRecord()
	whole := len(encode(r))
	r.Token.Access, r.Refresh.Value, r.CodeVerifier, r.Token.Scope, r.LastError = Secret{}, Secret{}, Secret{}, "", nil
	r.Unread = nil // as large as an answer, and only there while one cannot be read
	for i := range r.Fallbacks {
		r.Fallbacks[i].Value = Secret{}
	}
	size := len(encode(r))
	t.Logf("%d bytes of %d", size, whole)
	if size > 1024 {
		t.Errorf("a full record takes %d bytes", size)
	}
}

func TestListsBeyondTheirLimitLoseTheirOldest(t *testing.T) {
	r := fullRecord()
	r.Fingerprints = append(r.Fingerprints, Fingerprint{0xFF})
	r.Registered = append(r.Registered, Fingerprint{0xFE})
	r.Observations = append(r.Observations, Observation{At: time.Unix(1_900_000_000, 0).UTC()})
	r.Fallbacks = []RefreshToken{{Value: NewSecret("1")}, {Value: NewSecret("2")}, {Value: NewSecret("3")}}
	got, err := decode(encode(r))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Fingerprints) != MaxFingerprints || got.Fingerprints[MaxFingerprints-1] != (Fingerprint{0xFF}) {
		t.Errorf("%d fingerprints, the last is %x", len(got.Fingerprints), got.Fingerprints[len(got.Fingerprints)-1])
	}
	if len(got.Registered) != MaxRegistered || got.Registered[MaxRegistered-1] != (Fingerprint{0xFE}) {
		t.Errorf("%d registered, the last is %x", len(got.Registered), got.Registered[len(got.Registered)-1])
	}
	if len(got.Observations) != MaxObservations || got.Observations[MaxObservations-1].At.Unix() != 1_900_000_000 {
		t.Errorf("%d observations", len(got.Observations))
	}
	if len(got.Fallbacks) != MaxFallbacks || got.Fallbacks[0].Value.Reveal() != "1" {
		t.Errorf("%d fallbacks", len(got.Fallbacks))
	}
}

func TestFieldsOfANewerBuildAreKept(t *testing.T) {
	newer := appendText(encode(&Record{Name: "a"}), 99, "new")
	newer = appendUint(newer, 100, 7)
	r, err := decode(newer)
	if err != nil {
		t.Fatal(err)
	}
	r.Generation = 5
	again := encode(r)
	if !strings.HasSuffix(string(again), string(newer[len(encode(&Record{Name: "a"})):])) {
		t.Errorf("%x came back as %x", newer, again)
	}
}

func TestWhatIsNoRecordIsAnError(t *testing.T) {
	good := encode(fullRecord())
	version := []byte{formatVersion}
	for what, b := range map[string][]byte{
		"nothing":                     {},
		"format zero":                 {0},
		"a tag without its value":     good[:len(good)-1],
		"a name that is a number":     appendUint(version, 1, 7),
		"a generation that is text":   appendText(version, 4, "7"),
		"fingerprints of nine bytes":  appendBytes(version, 30, make([]byte, 9)),
		"65 fingerprints":             appendBytes(version, 30, make([]byte, 65*8)),
		"three fallbacks":             appendMessage(appendMessage(appendMessage(version, 7, nil), 7, nil), 7, nil),
		"an observation that is cut":  appendBytes(version, 31, []byte{endKnown, 2}),
		"33 observations":             appendBytes(version, 31, []byte(strings.Repeat("\x08\x00", 33))),
		"a life of too many years":    appendBytes(version, 31, append([]byte{0, 0}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"...)),
		"a field without number":      append(version, 0),
		"a token that is malformed":   appendBytes(version, 5, []byte{0xFF}),
		"a message longer than it is": append(version, byte(5<<3|protowire.BytesType), 200, 1),
	} {
		if r, err := decode(b); err == nil {
			t.Errorf("%s: decoded as %+v", what, r)
		}
	}
}

func TestANewerFormatIsToldFromDamage(t *testing.T) {
	newer := []byte{formatVersion + 1, 1, 2, 3}
	if _, err := decode(newer); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("record: %v", err)
	}
	if _, err := decodeIntent(newer); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("intent: %v", err)
	}
	if _, err := decode([]byte{0}); err == nil || errors.Is(err, ErrNewerFormat) {
		t.Errorf("format zero: %v", err)
	}
}

func TestAnIntentIsDecodedAsItWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := Intent{drawTime.Draw(t, "at"), rapid.Uint64().Draw(t, "attempt"), rapid.Uint64().Draw(t, "generation"), drawFingerprint.Draw(t, "fingerprint"),
			rapid.StringMatching(`([a-z]{1,5}/[0-9a-f]{4})?`).Draw(t, "owner"), Nonce(drawFingerprint.Draw(t, "nonce"))}
		if got, err := decodeIntent(appendText(encodeIntent(i), 50, "of a newer build")); err != nil || got != i {
			t.Fatalf("got %+v and %v, want %+v", got, err, i)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(fullRecord()))
	f.Add(encode(&Record{}))
	f.Add(appendText(encode(&Record{Name: "a"}), 99, "new"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			return
		}
		if len(r.Fingerprints) > MaxFingerprints || len(r.Registered) > MaxRegistered || len(r.Observations) > MaxObservations || len(r.Fallbacks) > MaxFallbacks {
			t.Fatalf("%d fingerprints, %d registered, %d observations, %d fallbacks", len(r.Fingerprints), len(r.Registered), len(r.Observations), len(r.Fallbacks))
		}
		// What decodes has one meaning: written again it is read as the same.
		again, err := decode(encode(r))
		if err != nil {
			t.Fatalf("decode again: %v", err)
		}
		checkSame(t, again, r)
	})
}

func FuzzDecodeIntent(f *testing.F) {
	f.Add(encodeIntent(Intent{At: time.UnixMilli(1_790_000_000_123), Attempt: 2, Generation: 7, Fingerprint: Fingerprint{1, 2}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := decodeIntent(b)
		if err != nil {
			return
		}
		if again, err := decodeIntent(encodeIntent(i)); err != nil || again != i {
			t.Fatalf("%+v came back as %+v and %v", i, again, err)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	r := fullRecord()
	encoded := encode(r)
	b.Run(fmt.Sprintf("encode/%d bytes", len(encoded)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode(r)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decode(encoded); err != nil {
				b.Fatal(err)
			}
		}
	})
}
