package verdict

import (
	"fmt"
	"time"

	"webex-tokend/daemon/wire"
)

// A HostTrouble is what is wrong with one of the hosts that share a store, or with
// all of them.
type HostTrouble struct {
	Host   string // empty: all of them
	Level  Level
	Text   string // one line, lower case
	Action string // a command that helps
}

// clockWarns is how far the clock of a host may be from ours. A sign of it is up to
// some seconds old.
const clockWarns = 30 * time.Second

// OfHosts judges the hosts that share a store, those first that matter most. Without
// one in office nothing is refreshed; with one away the next loss may be one too
// many. A store of one host has no troubles of this kind.
func OfHosts(sum wire.Status) (list []HostTrouble) {
	add := func(host string, level Level, text string, args ...any) {
		list = append(list, HostTrouble{host, level, fmt.Sprintf(text, args...), "webex-tokend hosts"})
	}
	if sum.HostsFault != "" {
		add("", Critical, "%s", sum.HostsFault)
	}
	if sum.HostsWarning != "" {
		add("", Warning, "%s", sum.HostsWarning)
	}
	for _, h := range sum.Hosts {
		skew := time.Duration(h.ClockSkewSeconds * float64(time.Second))
		switch {
		case h.Since == nil:
			add(h.Name, Warning, "host %s is away", h.Name)
		case h.Rules == "other":
			add(h.Name, Warning, "host %s has other rules than the fleet", h.Name)
		case skew.Abs() > clockWarns:
			add(h.Name, Warning, "the clock of host %s is off by %s", h.Name, skew.Round(time.Second))
		case h.Complaint != "":
			add(h.Name, Warning, "host %s cannot refresh: %s", h.Name, h.Complaint)
		}
	}
	return list
}
