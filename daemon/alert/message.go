package alert

import (
	"strings"
	"time"
)

// A Message is what is told: the body of a webhook, and what a command reads on
// its standard input. It holds no secret.
//
//	{
//	  "id": "9c56cc51b374c3ba-7d",
//	  "incident": "9c56cc51b374c3ba",
//	  "kind": "window",
//	  "severity": "warning",
//	  "resolved": false,
//	  "at": "2026-11-22T03:00:00Z",
//	  "host": "tokens-1",
//	  "grant": "ops",
//	  "integration": "crm",
//	  "state": "ok",
//	  "reason": "",
//	  "window_ends_at": "2026-11-29T02:59:58Z",
//	  "count": 1,
//	  "grants": ["ops"],
//	  "action": "webex-tokend authorize ops",
//	  "text": "ops: the refresh window ends in 7d, on 2026-11-29 02:59 UTC; a new consent is needed before"
//	}
type Message struct {
	// ID is the same whenever this very message is sent again. Incident is the
	// same in all messages on one trouble of one grant, from the first to the
	// recovery. One that speaks of many is an incident of its own, and nothing
	// closes it: what is over is told by grant, or of many again.
	ID       string `json:"id"`
	Incident string `json:"incident"`
	Kind     Kind   `json:"kind"`
	Severity string `json:"severity"` // warning critical
	// Resolved: the trouble is over.
	Resolved bool      `json:"resolved"`
	At       time.Time `json:"at"`
	Host     string    `json:"host"`
	// Grant is empty where the message speaks of many, or of none.
	Grant       string `json:"grant"`
	Integration string `json:"integration"` // empty: none in particular
	State       string `json:"state"`
	Reason      string `json:"reason"`
	// WindowEndsAt is when a human is needed at the latest: the end of the
	// refresh window, or of a token without one. Null: it is not known to end.
	WindowEndsAt *time.Time `json:"window_ends_at"`
	Count        int        `json:"count"`  // of grants
	Grants       []string   `json:"grants"` // their names, ten at most
	Action       string     `json:"action"` // a command that can be run; empty: nothing to do
	Text         string     `json:"text"`   // one line
}

// named is how many grants a message names.
const named = 10

// compose makes one message of entries that form a group, the worst first.
func compose(list []*entry, host string, now time.Time) Message {
	first := list[0]
	m := Message{
		ID:          first.id(),
		Incident:    first.incident(),
		Kind:        first.kind,
		Severity:    first.kind.severity(first.Stage),
		Resolved:    !first.Over.IsZero(),
		At:          now,
		Host:        host,
		Integration: first.about.Integration,
		State:       first.about.State,
		Action:      first.about.Action,
		Text:        printable(sentence(list, now)),
	}
	names := first.about.Grants
	m.Count = first.about.Count
	if first.kind.ofGrant() {
		names = subjects(list)
		m.Count, m.WindowEndsAt = len(list), first.about.Ends
	}
	m.Grants = append([]string{}, names[:min(len(names), named)]...)
	if len(list) > 1 {
		m.Incident = digest(strings.Join(ids(list), " "))
		m.ID, m.Action = m.Incident+"-many", "webex-tokend status"
	} else {
		m.Reason = printable(first.about.Reason)
		if first.kind.ofGrant() {
			m.Grant = first.subject
		}
	}
	if m.Resolved {
		m.Action = ""
	}
	return m
}

func subjects(list []*entry) (names []string) {
	for _, e := range list {
		names = append(names, e.subject)
	}
	return names
}

func ids(list []*entry) (ids []string) {
	for _, e := range list {
		ids = append(ids, e.id())
	}
	return ids
}
