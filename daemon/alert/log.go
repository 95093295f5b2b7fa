package alert

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
)

// logWay writes a line for each message: an error where it is critical, a
// warning where it is not, and information once it is over. Keys without a
// value are left out.
func logWay(log hclog.Logger) method {
	return method{
		name: "log",
		used: func(config.Alert) bool { return true },
		send: func(_ context.Context, _ config.Alert, m Message) error {
			args := []any{"kind", string(m.Kind), "id", m.ID}
			for _, pair := range [][2]string{
				{"grant", m.Grant}, {"integration", m.Integration}, {"state", m.State}, {"reason", m.Reason},
				{"window_ends_at", stamp(m.WindowEndsAt)}, {"action", m.Action}, {"text", m.Text},
			} {
				if pair[1] != "" {
					args = append(args, pair[0], pair[1])
				}
			}
			switch {
			case m.Resolved:
				log.Info("alert is over", args...)
			case m.Severity == string(verdict.Critical):
				log.Error("alert", args...)
			default:
				log.Warn("alert", args...)
			}
			return nil
		},
	}
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
