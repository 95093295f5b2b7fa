package configfile

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/robfig/cron/v3"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
)

// slowSweep is the pause between sweeps above which a token of a short life
// may expire before anybody looks.
const slowSweep = 5 * time.Minute

func (b *maintenanceBlock) read(r *reader) config.Maintenance {
	m := config.Maintenance{Sweep: "@every 1s", Keep: 7}
	if b == nil {
		return m
	}
	if s, spec := r.cron(b.Sweep); s != nil {
		m.Sweep = spec
		first := s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
		if pause := s.Next(first).Sub(first); pause > slowSweep {
			r.Warn(b.Sweep.Expr.Range(), "sweep is slow",
				"Tokens are looked at every "+duration.Format(pause)+" only; those of short lives may expire in between.")
		}
	}
	_, m.Backup = r.cron(b.Backup)
	m.Keep = r.Count(b.Keep, m.Keep, 1, 10_000)
	m.Textfile = r.Path(b.Textfile, "")
	return m
}

// cron returns nil for an attribute that is absent or faulty.
func (r *reader) cron(a *hcl.Attribute) (cron.Schedule, string) {
	spec := r.Text(a, "")
	if spec == "" {
		return nil, ""
	}
	s, err := parseCron(spec)
	if err != nil {
		r.Fault(a.Expr.Range(), a.Name+" never fires or is no cron spec",
			attribute.Sentence(err)+` Write minute, hour, day, month and weekday, such as "0 3 * * *".`)
		return nil, ""
	}
	return s, spec
}
