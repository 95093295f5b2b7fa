package store

import (
	"os"
	"testing"
	"time"
)

// formatOne is what testdata/record-1 holds, a record as builds of format 1
// wrote it before it had field 34. The file stays as it is: a field that is
// given another number or meaning shows here.
func formatOne() *Record {
	n := 0
	next := func() time.Time { // another instant for each field
		n++
		return time.UnixMilli(1_790_000_000_000).UTC().Add(time.Duration(n) * time.Minute)
	}
	return &Record{
		Name: "ops", Integration: "crm", Kind: "rest", Generation: 7,
		Token:       Token{NewSecret("access"), "Bearer", "spark:all", next(), next()},
		Refresh:     RefreshToken{NewSecret("refresh"), next(), next()},
		Fallbacks:   []RefreshToken{{NewSecret("first"), next(), next()}, {NewSecret("second"), next(), time.Time{}}},
		RedirectURI: "http://127.0.0.1:8411/oauth", CodeVerifier: NewSecret("verifier"),
		User: "jane", Email: "jane@example.com", Site: "acme",
		RegisteredAt: next(), LastRefreshAt: next(), LastAttemptAt: next(), DueAt: next(),
		AssumedAccess: true, PausedSince: next(), UndeclaredSince: next(), UnverifiedSince: next(),
		ReauthorizeSince: next(), UnknownSince: next(), FailingSince: next(),
		Failures: 3, Reason: "no_answer",
		LastError:    &LastError{next(), 400, "invalid_grant", "description", "ROUTER_1"},
		Rejection:    Rejection{next(), next(), 2},
		Fingerprints: []Fingerprint{{1}, {2, 2, 2, 2, 2, 2, 2, 2}},
		Observations: []Observation{{next(), next(), time.Hour, false, true}, {next(), time.Time{}, 0, true, false}},
		Person:       Person{Fingerprint{3}, Fingerprint{4}, "Jane Doe"},
		Unread:       &Unread{next(), NewSecret("cut off")},
	}
}

func TestARecordOfFormatOneIsRead(t *testing.T) {
	b, err := os.ReadFile("testdata/record-1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, got, formatOne())
}
