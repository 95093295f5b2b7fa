package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/hook"
)

// commandTimeout is after what time a command is killed.
const commandTimeout = 30 * time.Second

// commandWay runs a program for each message: no shell, the message on standard
// input, and the most of it in the environment. An exit with 0 says that it was
// taken.
func commandWay() method {
	return method{
		name: "command",
		used: func(c config.Alert) bool { return len(c.Command) > 0 },
		send: func(ctx context.Context, c config.Alert, m Message) error {
			body, err := json.Marshal(m)
			if err != nil {
				return fmt.Errorf("encode alert: %w", err)
			}
			return hook.Program{
				Command: c.Command,
				Timeout: commandTimeout,
				Env:     environment(m),
				Stdin:   bytes.NewReader(append(body, '\n')),
			}.Run(ctx)
		},
	}
}

func environment(m Message) []string {
	const prefix = "WEBEX_TOKEND_"
	return []string{
		prefix + "ALERT=" + string(m.Kind),
		prefix + "SEVERITY=" + m.Severity,
		prefix + "GRANT=" + m.Grant,
		prefix + "INTEGRATION=" + m.Integration,
		prefix + "ACTION=" + m.Action,
		prefix + "TEXT=" + m.Text,
		prefix + "RESOLVED=" + strconv.FormatBool(m.Resolved),
	}
}
