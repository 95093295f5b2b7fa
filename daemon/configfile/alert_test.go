package configfile_test

import (
	"slices"
	"testing"
	"time"
)

func TestAlertsHaveTimesWithoutABlockToo(t *testing.T) {
	const day = 24 * time.Hour
	usual := []time.Duration{28 * day, 14 * day, 7 * day, 3 * day, day, 12 * time.Hour}
	for _, test := range []struct {
		name, src string
		want      []time.Duration
	}{
		{"no block", "", usual},
		{"an empty block", "alert {}\n", usual},
		{"a block without times", "alert {\n  webhook_url = \"http://127.0.0.1:9000/\"\n}\n", usual},
		{"times of its own", "alert {\n  before = [\"1d12h\", \"1m\"]\n}\n", []time.Duration{36 * time.Hour, time.Minute}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parse(t, test.src).Alert.Before; !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
