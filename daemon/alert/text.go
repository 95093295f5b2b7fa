package alert

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/verdict"
)

// sentence is the text of a message: whom it is about, and what is the matter.
func sentence(list []*entry, now time.Time) string {
	first, many := list[0], len(list) > 1
	var whom string
	switch {
	case first.kind == Host && many:
		whom = fmt.Sprintf("%d hosts (%s)", len(list), some(subjects(list), len(list)))
	case first.kind.ofHosts(): // their troubles say it
	case many:
		whom = fmt.Sprintf("%d grants (%s)", len(list), some(subjects(list), len(list)))
		if in := first.about.Integration; in != "" {
			whom = fmt.Sprintf("%d grants of integration %s (%s)", len(list), in, some(subjects(list), len(list)))
		}
	case first.kind == Client || first.kind == Secret:
		whom = "integration " + first.subject
	default:
		whom = first.subject
	}
	what, over := first.problem(many, now), !first.Over.IsZero()
	if over {
		what = first.recovery()
	}
	switch {
	case over && whom == "":
		return "over: " + what
	case over:
		return "over for " + whom + ": " + what
	case whom == "":
		return what
	}
	return whom + ": " + what
}

// problem says what is wrong and what comes of it. For many it says of them
// what is true of all.
func (e *entry) problem(many bool, now time.Time) string {
	a := e.about
	reason := because(a.Reason)
	if many {
		reason = ""
	}
	switch e.kind {
	case Consent:
		if e.Stage > 0 {
			return "the refresh token is refused; it is tried again, and given up if that goes on"
		}
		if a.Static {
			return "the token has ended; only a human can renew it"
		}
		return "a new consent is needed" + reason
	case Window:
		if e.Stage == 0 {
			return e.ending("refresh window", many, now) + "; a new consent is needed"
		}
		return e.ending("refresh window", many, now) + "; a new consent is needed before"
	case Token:
		return e.ending("token", many, now) + "; only a human can renew it"
	case Failing:
		return "refreshes fail again and again" + reason
	case Expired:
		return "the access token has expired, and no other came" + reason
	case Damaged:
		return "the record does not open; other grants go on"
	case Unverified:
		return "put back from an older copy, and not refreshed before somebody adopts it"
	case Client:
		return "its client is refused, so that none of its grants is refreshed" + reason
	case Secret:
		return "its client secret cannot be read, so that none of its grants is refreshed"
	case Store:
		text := "the store refuses to be written, so that nothing is refreshed" + reason + "; do not reboot the host"
		if a.Count > 0 {
			text += "; answers are in memory alone for " + some(a.Grants, a.Count)
		}
		return text
	case Disk:
		return "the disk of the store has little room, and answers of token endpoints may soon find none" + reason
	case Overdue:
		return fmt.Sprintf("%d refreshes should have begun more than %s ago", a.Count, span(verdict.OverdueAfter))
	case Outputs:
		return "files or hooks fail, so that consumers may keep an older token, of " + some(a.Grants, a.Count)
	case Pending:
		return "no tokens yet, long after they were declared: " + some(a.Grants, a.Count)
	case Host:
		if many {
			return "away, or not as the others are"
		}
		return a.Reason
	case Etcd:
		return a.Reason
	case Hosts:
		return "no host refreshes: " + a.Reason
	case Crowd:
		return fmt.Sprintf("so many grants are in trouble that %d are not told one by one", a.Count)
	}
	return string(e.kind)
}

// recovery says what is so again.
func (e *entry) recovery() string {
	switch e.kind {
	case Consent:
		return "no human is needed any more"
	case Window, Token:
		return "the end is not near any more"
	case Failing:
		return "refreshes succeed again"
	case Expired:
		return "there is a live access token again"
	case Damaged:
		return "the record opens again"
	case Unverified:
		return "it is refreshed again"
	case Client:
		return "its client is accepted again"
	case Secret:
		return "its client secret can be read again"
	case Store:
		return "the store can be written again"
	case Disk:
		return "the disk of the store has room again"
	case Overdue:
		return "refreshes begin in time again"
	case Outputs:
		return "all files are written and all hooks told again"
	case Pending:
		return "all declared grants have tokens"
	case Hosts:
		return "hosts refresh again"
	case Host:
		return "host " + e.subject + " is as it should be again"
	case Etcd:
		return "etcd has room again"
	}
	return "it is resolved"
}

// ending says when something ends; of many, the first of them.
func (e *entry) ending(what string, many bool, now time.Time) string {
	if many {
		what = "first " + what
	}
	ends := e.about.Ends
	switch {
	case ends == nil:
		return "the " + what + " ends"
	case e.Stage == 0:
		return "the " + what + " has ended, on " + moment(*ends)
	}
	text := fmt.Sprintf("the %s ends in %s, on %s", what, span(ends.Sub(now)), moment(*ends))
	if e.about.Assumed {
		text += " (estimated: the server did not say)"
	}
	return text
}

// some names three of many.
func some(names []string, count int) string {
	shown := names[:min(len(names), 3)]
	text := strings.Join(shown, ", ")
	if more := count - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.ReplaceAll(reason, "_", " ")
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span is a duration as somebody would say it.
func span(d time.Duration) string {
	unit := time.Second
	switch {
	case d >= 24*time.Hour:
		unit = time.Hour
	case d >= time.Hour:
		unit = time.Minute
	}
	return duration.Format(d.Round(unit))
}

// printable makes one line of what may come from a server.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
