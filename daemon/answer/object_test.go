package answer_test

import (
	"errors"
	"testing"
	"time"

	"webex-tokend/daemon/answer"
)

func TestAnObjectThatIsNotWholeIsTold(t *testing.T) {
	table := map[string]error{
		``: answer.ErrNotObject, `[]`: answer.ErrNotObject, `nul`: answer.ErrNotObject,
		`{`: answer.ErrCutShort, `{"a`: answer.ErrCutShort, `{"a"`: answer.ErrCutShort, `{"a":`: answer.ErrCutShort,
		`{"a":1`: answer.ErrCutShort, `{"a":"x\`: answer.ErrCutShort, `{"a":[{]`: answer.ErrCutShort, `{"a":1,`: answer.ErrCutShort,
		`{a,1}`: answer.ErrMalformed, `{"a" 1}`: answer.ErrMalformed, `{"a":}`: answer.ErrMalformed, `{"a":1 2}`: answer.ErrMalformed,
		`{}`: nil, `{a:1}`: nil, `{'a':'x'}`: nil, ` { } `: nil, `{"a":[{},"]"]}`: nil, `{"a":{"b":"}"},"c":1,}`: nil,
	}
	for text, want := range table {
		if _, err := answer.ReadObject([]byte(text)); !errors.Is(err, want) {
			t.Errorf("reading %s: %v, want %v", text, err, want)
		}
	}
}

func TestAnInstantIsReadInTheFormsOfTokenFiles(t *testing.T) {
	at := time.Date(2026, 12, 6, 1, 7, 5, 0, time.UTC)
	for _, text := range []string{
		"2026-12-06T01:07:05Z", "2026-12-06T02:07:05+01:00", "2026-12-06 01:07:05+00:00", "2026-12-06T01:07:05", "2026-12-06 01:07:05",
		"1796519225", "1796519225000", " 1796519225 ", "1.796519225e9", "2026-12-06T01:07:05.000000000Z",
	} {
		if got, ok := answer.ParseInstant(text); !ok || !got.Equal(at) {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, at)
		}
	}
	for _, text := range []string{"", "0", "-5", "NaN", "Inf", "1e300", "soon", "0001-01-01T00:00:00Z", "2026-12-06", "06/12/2026"} {
		if got, ok := answer.ParseInstant(text); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
