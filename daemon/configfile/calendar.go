package configfile

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// A localSchedule asks in the time zone of the host whatever zone the instant
// came in: robfig/cron reads a spec without TZ= in the zone of its argument.
type localSchedule struct{ cron.Schedule }

func (l localSchedule) Next(t time.Time) time.Time { return l.Schedule.Next(t.Local()) }

// parseCron reads five fields or a descriptor. It recovers, because the parser
// panics on some specs (a TZ= without a blank behind it, for one), and it
// refuses a spec that fires on no day, such as 31 February.
func parseCron(spec string) (s cron.Schedule, err error) {
	defer func() {
		if recover() != nil {
			s, err = nil, fmt.Errorf("%q cannot be read", spec)
		}
	}()
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, err
	}
	// The parser takes a lone comma for a field without values; the search
	// below would try every minute of five years for it.
	if fields, ok := parsed.(*cron.SpecSchedule); ok && min(fields.Minute, fields.Hour, fields.Dom, fields.Month, fields.Dow) == 0 {
		return nil, errors.New("a field is empty")
	}
	// The search ahead spans five years, and this one begins with a leap year.
	if parsed.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("no day in five years fits it")
	}
	return localSchedule{parsed}, nil
}
