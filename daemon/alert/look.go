package alert

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/state"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// walked is how many grants a look reads at most, the most urgent first, beside
// those with an entry. In a larger crowd the next look goes on.
const walked = 1000

const (
	// lateFor is how long refreshes are overdue when that is trouble: a daemon
	// that was away catches up first.
	lateFor = 2 * time.Minute
	// turn is how long it takes until the sweep has had its turn after a start or a
	// wake, at most: what then goes on is trouble.
	turn = 2 * time.Minute
	// failedFor is how long files or hooks fail when that is trouble, and do not
	// when it is over: after a start nobody has tried them yet, and somebody may
	// just be making a folder.
	failedFor = 2 * time.Minute
)

// A view holds the inputs of one look.
type view struct {
	cfg *config.Config
	now time.Time
}

// look brings the entries in line with what is.
func (a *Alerts) look(ctx context.Context) {
	n := a.take()
	a.last.proven = a.last.proven || n.stored
	v := view{a.cfg.Config(), a.now()}
	a.last.follow(v.now)
	t := a.cfg.Report.Trouble()
	a.lookAtHosts(v, t)
	if !a.cfg.Acting() {
		a.tidy(v) // of the grants another host knows more
		return
	}
	a.lookAround(v, t, n.refreshed)
	var err error
	names := n.grants
	if n.look {
		a.lookAtOutputs(v)
		a.lookAtPending(v)
		names, err = a.walk(ctx, v, names)
	}
	for name := range names {
		if err == nil {
			err = a.lookAt(ctx, v, name)
		}
	}
	a.readable(ctx, err)
	a.tidy(v)
}

// readable notes whether grants can be read, and says once when they cannot.
func (a *Alerts) readable(ctx context.Context, err error) {
	if err != nil && !a.last.unread && ctx.Err() == nil {
		a.cfg.Log.Error("grants cannot be read to tell of their trouble", "error", err)
	}
	a.last.unread = err != nil
}

// walk reads the next of the grants that the report lists as urgent, whatever
// their windows, and of those whose end is near. It returns which others are to
// be looked at: the given ones, and those with an entry.
func (a *Alerts) walk(ctx context.Context, v view, noted map[string]bool) (others map[string]bool, err error) {
	page, err := a.cfg.Report.Grants(ctx, report.Query{After: a.last.cursor, Limit: walked, EndsBefore: v.now.Add(v.cfg.Alert.Before[0])})
	if err != nil {
		return nil, err
	}
	others = maps.Clone(noted)
	if others == nil {
		others = make(map[string]bool)
	}
	for e := range a.book.all() {
		if e.kind.ofGrant() {
			others[e.subject] = true
		}
	}
	maps.Copy(others, a.last.postponed)
	a.last.postponed = make(map[string]bool)
	for _, g := range page.Grants {
		delete(others, g.Name)
		if !a.examine(v, g) {
			a.last.missed++
		}
	}
	a.last.cursor = page.Next
	if a.last.cursor == "" {
		a.note(v, Crowd, "", finding{holds: a.last.missed > 0, about: about{Count: a.last.missed, Action: "webex-tokend status"}})
		a.last.missed = 0
	}
	return others, nil
}

// lookAt reads one grant. One that is no more has no trouble left.
func (a *Alerts) lookAt(ctx context.Context, v view, name string) error {
	g, err := a.cfg.Report.Grant(ctx, name)
	if _, gone := errors.AsType[*refusal.Error](err); gone {
		g, err = wire.Grant{Name: name}, nil
		if declared, ok := v.cfg.Grant(name); ok {
			g.Integration = declared.Integration
		}
	}
	if err == nil {
		a.examine(v, g)
	}
	return err
}

// A finding reports whether there is a trouble, and its details.
type finding struct {
	holds       bool
	stage, left time.Duration
	about       about
}

// examine looks for every trouble of a grant, and reports whether the book has
// room for what there is.
func (a *Alerts) examine(v view, g wire.Grant) (room bool) {
	room = true
	for _, k := range ofGrants() {
		f := finding{about: a.describe(k, g)}
		e := a.book.find(k, g.Name)
		if k.hidden(g) {
			if e != nil {
				e.about = f.about
			}
			continue
		}
		if f.left, f.holds = k.holds(g, v.now); f.holds {
			f.stage, f.holds = k.stage(f.left, v.cfg.Alert.Before)
		}
		if f.holds && (e == nil || !e.Over.IsZero()) && k.heals(g) && a.last.early(g) {
			a.last.postponed[g.Name] = true
			continue
		}
		room = a.note(v, k, g.Name, f) && room
	}
	return room
}

// follow notes the time of a look. A daemon that did not look for a while was away
// or asleep.
func (l *looked) follow(now time.Time) {
	if gap := now.Sub(l.at); gap < 0 || gap > turn {
		l.awake = now
	}
	l.at = now
}

// early reports whether a grant may not have been tried since the daemon woke.
func (l *looked) early(g wire.Grant) bool {
	tried := g.LastError != nil && !g.LastError.At.Before(l.awake)
	return !tried && l.at.Sub(l.awake) < turn
}

func (a *Alerts) describe(k Kind, g wire.Grant) about {
	d := about{Integration: g.Integration, State: g.State, Reason: g.Reason, Ends: g.WindowEndsAt,
		Static: g.Kind == string(config.Static), Action: g.Action}
	if k != Window && k != Token {
		return d
	}
	d.Ends = nil
	if k.ends(g) {
		d.Ends = g.End()
	}
	d.Assumed = slices.Contains(g.Assumed, map[Kind]string{Window: "window_ends_at", Token: "access_expires_at"}[k])
	if g.State != string(store.Misconfigured) {
		d.Action = state.Renewal(a.cfg.Config(), g.Name)
	}
	return d
}

// lookAround looks for troubles of more than one grant. Refreshed are grants
// that were since the last look.
func (a *Alerts) lookAround(v view, t report.Trouble, refreshed map[string]bool) {
	blocked := len(t.Unpersisted) > 0 || t.StoreError != ""
	// Right after a start nobody has tried the store yet.
	if blocked || a.last.proven {
		a.note(v, Store, "", finding{holds: blocked,
			about: about{Count: len(t.Unpersisted), Grants: t.Unpersisted, Reason: t.StoreError, Action: t.StoreAction}})
	}
	a.note(v, Disk, "", finding{holds: t.DiskError != "", about: about{Reason: t.DiskError, Action: t.StoreAction}})
	a.lookAtClients(v, t, refreshed)
	a.lookAtDelay(v, t, blocked)
}

// lookAtClients makes one trouble of a refused client, however many grants it
// has. A client that is tried again is not accepted yet: one of its grants must
// have been refreshed. A secret needs only to be read.
func (a *Alerts) lookAtClients(v view, t report.Trouble, refreshed map[string]bool) {
	accepted := make(map[string]bool)
	for name := range refreshed {
		if g, ok := v.cfg.Grant(name); ok {
			accepted[g.Integration] = true
		}
	}
	here := make(map[string]bool) // by key
	for name, c := range t.Rejected {
		k := Client
		if c.Reason == unreadable {
			k = Secret
		}
		here[keyOf(k, name)] = true
		a.note(v, k, name, finding{holds: true,
			about: about{Integration: name, State: string(c.State), Reason: c.Reason, Action: "webex-tokend validate"}})
	}
	for e := range a.book.all() {
		if e.kind != Client && e.kind != Secret {
			continue
		}
		_, declared := v.cfg.Integrations[e.subject]
		e.about.Integration = e.subject
		over := e.kind == Secret || accepted[e.subject] || !declared || !e.Over.IsZero()
		if over && !here[e.key()] {
			a.note(v, e.kind, e.subject, finding{about: e.about})
		}
	}
}

// lookAtDelay looks whether refreshes begin. Where the store is known to hold them
// up, that is told already. Sweeps that are rare find grants late although nothing
// holds them up.
func (a *Alerts) lookAtDelay(v view, t report.Trouble, explained bool) {
	before := a.last.swept
	a.last.swept = a.cfg.Meter.Health().LastSweep
	switch {
	case a.last.swept.IsZero() || explained:
		a.last.late = time.Time{}
		return
	case t.Overdue == 0 || !before.IsZero() && a.last.swept.Sub(before) >= verdict.OverdueAfter:
		a.last.late = time.Time{}
	case a.last.late.IsZero() || a.last.late.After(v.now):
		a.last.late = v.now
		return
	case v.now.Sub(a.last.late) < lateFor:
		return // neither trouble yet nor over
	}
	a.note(v, Overdue, "", finding{holds: !a.last.late.IsZero(), about: about{Count: t.Overdue, Action: "webex-tokend status"}})
}

// lookAtOutputs looks whether files are written and hooks told. It costs as much
// as there are grants with outputs, and is not for each event.
func (a *Alerts) lookAtOutputs(v view) {
	failing := a.cfg.Failing()
	if holds := len(failing) > 0; holds != a.last.failing || a.last.turned.IsZero() || a.last.turned.After(v.now) {
		a.last.failing, a.last.turned = holds, v.now
	}
	if v.now.Sub(a.last.turned) < failedFor {
		return
	}
	f := finding{holds: a.last.failing, about: about{Count: len(failing), Grants: failing}}
	if f.holds {
		f.about.Action = "webex-tokend status " + failing[0]
	}
	a.note(v, Outputs, "", f)
}

// lookAtPending looks whether declared grants wait too long for their first tokens.
// It is over when none waits, or each is declared anew: since when is not known
// over restarts.
func (a *Alerts) lookAtPending(v view) {
	pending := a.cfg.Report.Pending()
	if len(pending.Late) == 0 && pending.Early > 0 {
		return
	}
	f := finding{holds: len(pending.Late) > 0, about: about{Count: len(pending.Late), Grants: pending.Late}}
	if f.holds {
		f.about.Action = "webex-tokend status " + pending.Late[0]
	}
	a.note(v, Pending, "", f)
}

// note enters a finding into the book, and tells whether there is room for it.
func (a *Alerts) note(v view, k Kind, subject string, f finding) (room bool) {
	e := a.book.find(k, subject)
	if e == nil && f.holds {
		e = a.book.enter(k, subject)
	}
	if e == nil {
		return !f.holds
	}
	e.about = f.about
	changed := false
	if f.holds {
		changed = e.raise(f.stage, f.left, v.now)
	} else {
		changed = e.clear(v.now)
	}
	if changed {
		a.book.changed(e)
	}
	return true
}

// tidy drops what is of no more use, and lets listen know what is left. An entry
// of which somebody is just told stays.
func (a *Alerts) tidy(v view) {
	used, busy := make(map[string]bool), false
	for _, w := range a.ways {
		used[w.name] = w.used(v.cfg.Alert)
		busy = busy || w.busy
	}
	crowded := a.book.grants >= most
	watched, unproven := make(map[string]bool), false
	for e := range a.book.all() {
		if e.forget(func(way string) bool { return used[way] }) {
			a.book.changed(e)
		}
		switch {
		case !busy && e.spent(v.now, crowded):
			a.book.remove(e)
		case e.kind.ofGrant():
			watched[e.subject] = true
		case e.kind == Client || e.kind == Store:
			unproven = true
		}
	}
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	a.shared.watched, a.shared.unproven = watched, unproven
}
