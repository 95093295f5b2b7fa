package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"webex-tokend/daemon/accounts"
	"webex-tokend/daemon/wire"
)

// drawGrant shows all there is to say of one grant.
func drawGrant(w io.Writer, on screen, g wire.Grant, now time.Time) error {
	var b strings.Builder
	if mark := sign(g); mark != " " {
		b.WriteString(on.paint(tintOf(g), mark) + " ")
	}
	fmt.Fprintf(&b, "%s  %s\n", on.paint(bold, g.Name), on.paint(tintOf(g), g.State))
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %s%s\n", on.paint(faint, fmt.Sprintf("%-14s", label)), on.wrap(fmt.Sprintf(format, args...), 16))
	}
	if g.Reason != "" {
		line("reason", "%s", words(g.Reason))
	}
	if g.Since != nil {
		line("since", "%s, %s", minute(*g.Since), distance(*g.Since, now))
	}
	switch {
	case g.Reason == wire.TokenLimitReached:
		line("next", "no refresh helps until access tokens of the account expire or are revoked: by their owner at")
		line("", "https://idbroker.webex.com/idb/profile, or by an admin in Control Hub")
	case g.Action != "" && g.Action != "webex-tokend status "+g.Name: // that is this one
		line("next", "%s", g.Action)
	}
	if text := caution(g.State, g.Action); text != "" {
		line("", "%s", text)
	}
	line("kind", "%s, integration %s", g.Kind, g.Integration)
	line("token", "%s", tokenLine(g, now))
	if g.RefreshDueAt != nil {
		line("next refresh", "%s, %s", minute(*g.RefreshDueAt), distance(*g.RefreshDueAt, now))
	}
	line("window", "%s", windowLine(g, now))
	if g.LastRefreshAt != nil {
		line("last refresh", "%s, %s", minute(*g.LastRefreshAt), distance(*g.LastRefreshAt, now))
	}
	if g.Failures > 0 {
		line("failures", "%d in a row", g.Failures)
	}
	if e := g.LastError; e != nil {
		line("last error", "%s, %s", minute(e.At), errorLine(e))
		if e.TrackingID != "" {
			line("tracking ID", "%s", e.TrackingID)
		}
	}
	for _, o := range g.Outputs {
		line(o.Type, "%s  %s", o.Target, outputLine(o, g.Generation))
	}
	for _, r := range g.Consumers {
		line("read by", "%s", readerLine(r, g.Generation, now))
	}
	if p := g.Person; p != nil {
		line("consent of", "%s", p.DisplayName)
	}
	if g.Scope != "" {
		line("scope", "%s", g.Scope)
	}
	if len(g.MissingScopes) > 0 {
		line("not granted", "%s", strings.Join(g.MissingScopes, " "))
	}
	if g.Manager != "" {
		line("minted by", "%s", g.Manager)
	}
	if len(g.Manages) > 0 {
		line("mints for", "%s; they end with this grant", strings.Join(g.Manages, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(g.Labels)) {
		line("label", "%s = %s", key, g.Labels[key])
	}
	label := "seen"
	for i, o := range slices.Backward(g.Observations) {
		line(label, "%s", observationLine(g.Observations, i, o))
		label = ""
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func tokenLine(g wire.Grant, now time.Time) string {
	if tokenless(g) {
		return "no access token yet"
	}
	text := "does not expire"
	if t := g.AccessExpiresAt; t != nil {
		verb := "expires"
		if !now.Before(*t) {
			verb = "expired"
		}
		text = fmt.Sprintf("%s %s, %s%s", verb, minute(*t), distance(*t, now), assumed(g, "access_expires_at"))
	}
	return fmt.Sprintf("generation %d, %s", g.Generation, text)
}

func windowLine(g wire.Grant, now time.Time) string {
	if g.WindowEndsAt == nil {
		return "not known to end"
	}
	behaviour := map[string]string{
		"sliding": "every refresh extends it",
		"fixed":   "a refresh does not extend it",
	}[g.Window]
	return fmt.Sprintf("ends %s, %s%s; %s", minute(*g.WindowEndsAt), distance(*g.WindowEndsAt, now),
		assumed(g, "window_ends_at"), cmp.Or(behaviour, "not known yet whether a refresh extends it"))
}

func assumed(g wire.Grant, field string) string {
	if slices.Contains(g.Assumed, field) {
		return " (assumed)"
	}
	return ""
}

func errorLine(e *wire.LastError) string {
	text := e.Code
	if e.Status != 0 {
		text = fmt.Sprintf("%d %s", e.Status, text)
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

// readerLine says who was given the token last, and who holds an old one.
func readerLine(r wire.Consumer, generation uint64, now time.Time) string {
	who := accounts.UserName(r.UID)
	if r.Unit != "" {
		who += " in " + r.Unit
	}
	text := fmt.Sprintf("%s, %s", who, distance(r.At, now))
	if r.Generation != generation {
		text += fmt.Sprintf(", holds generation %d", r.Generation)
	}
	return text
}

// observationLine says what an answer told of the window, and how far its end
// moved since the answer before. The newest of them stands first.
func observationLine(list []wire.Observation, i int, o wire.Observation) string {
	text := minute(o.At)
	if o.EndsAt == nil {
		return text + ", said nothing of the window"
	}
	text += ", ends " + minute(*o.EndsAt)
	switch {
	case !o.SameRefresh && i > 0:
		text += ", new refresh token"
	case i > 0 && list[i-1].EndsAt != nil:
		moved := o.EndsAt.Sub(*list[i-1].EndsAt)
		switch {
		case moved.Abs() <= time.Minute:
			text += ", unmoved"
		case moved > 0:
			text += ", later by " + span(moved)
		default:
			text += ", earlier by " + span(moved)
		}
	}
	return text
}

func outputLine(o wire.Output, generation uint64) string {
	switch {
	case o.Error != "":
		return o.State + ": " + o.Error
	case o.Generation != generation:
		return fmt.Sprintf("%s, holds generation %d", o.State, o.Generation)
	}
	return o.State
}
