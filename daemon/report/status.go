package report

import (
	"context"
	"slices"
	"time"

	"webex-tokend/daemon/state"
	"webex-tokend/daemon/verdict"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// Status sums up the grants that the view shows. For the whole fleet it reads
// counters and the heads of the index; for a narrower view it walks.
func (r *Report) Status(ctx context.Context, view View) (wire.Status, error) {
	health := r.cfg.Meter.Health()
	s := &summary{slots: make(map[slot]int), Status: wire.Status{States: make(map[string]int), Keeper: wire.Keeper{
		LastSweepAt:         instant(health.LastSweep),
		StoreLatencySeconds: health.Latency.Seconds(),
		Overdue:             health.Overdue,
		ClockSkewSeconds:    r.cfg.Endpoints.WidestSkew().Seconds(),
		AlertError:          r.cfg.Unheard(),
		ConfigError:         r.cfg.Refused(),
	}}}
	r.cfg.Host(&s.Status)
	s.FailingOutputs = r.failingOutputs(view)
	s.StoreKey = r.cfg.StoreKey(ctx)
	if s.Keeper.StoreError = r.cfg.Trust.Error(); s.Keeper.StoreError != "" {
		s.Keeper.Action = state.DiskAction(r.cfg.Config())
	}
	g, err := r.glance(ctx)
	if err == nil && view == nil {
		err = r.sumUp(ctx, g, s)
	} else if err == nil {
		err = r.walkThrough(ctx, g, view, s)
	}
	s.level()
	return s.Status, err
}

// failingShown is how many grants with failing outputs are named.
const failingShown = 10

func (r *Report) failingOutputs(view View) wire.FailingOutputs {
	names := slices.DeleteFunc(slices.Clone(r.cfg.Failing()), func(name string) bool { return !view.shows(name) })
	return wire.FailingOutputs{Count: len(names), Grants: append([]string{}, names[:min(len(names), failingShown)]...)}
}

// A summary is a status that is being made.
type summary struct {
	wire.Status
	slots map[slot]int // grants
}

// A slot is a cause among grants that are shown in one state.
type slot struct {
	state store.State
	cause verdict.Cause
}

// level tells of the slots what they ask of people.
func (s *summary) level() {
	s.Levels, s.StateLevels = make(map[string]int), make(map[string]string)
	for slot, n := range s.slots {
		if n <= 0 {
			continue
		}
		level := slot.cause.Level()
		s.Levels[string(level)] += n
		if worst, known := s.StateLevels[string(slot.state)]; !known || level.Rank() > verdict.Level(worst).Rank() {
			s.StateLevels[string(slot.state)] = string(level)
		}
		if slot.cause == verdict.Rejected {
			s.Refused += n
		}
	}
}

func (s *summary) add(state store.State, n int) {
	s.Grants += n
	if s.States[string(state)] += n; s.States[string(state)] <= 0 {
		delete(s.States, string(state))
	}
}

// count adds one grant by its record.
func (s *summary) count(rec *store.Record, v verdict.Verdict) {
	s.add(v.State, 1)
	s.slots[slot{v.State, slotOf(rec, v)}]++
	s.bound(rec, v)
}

// bound notes the end of a window that somebody still counts on, and from when on
// a grant needs a human.
func (s *summary) bound(rec *store.Record, v verdict.Verdict) {
	if v.State == store.Reauthorize {
		return
	}
	earliest(&s.EarliestWindowEnd, rec.Name, rec.EndsAt())
	earliest(&s.Horizon, rec.Name, v.End)
}

func earliest(first **wire.WindowEnd, name string, at time.Time) {
	if !at.IsZero() && (*first == nil || at.Before((*first).At)) {
		*first = &wire.WindowEnd{Grant: name, At: at}
	}
}

func (r *Report) sumUp(ctx context.Context, g *glance, s *summary) error {
	places, complete, err := r.cfg.Store.Places(ctx)
	if err != nil {
		return err
	}
	s.Counting = !complete
	for _, p := range places {
		if p.Part == store.Expires {
			continue
		}
		s.add(g.shownAs(p.Place), p.Grants)
		if err := r.countPlace(ctx, g, p, s); err != nil {
			return err
		}
	}
	for _, name := range r.cfg.States.PendingNames() {
		rec := &store.Record{Name: name}
		s.count(rec, verdict.Of(rec, r.cfg.States.PendingFacts(g.cfg, name), g.now))
	}
	for _, a := range g.apart {
		if a.place != nil {
			state := g.shownAs(*a.place)
			s.add(state, -1)
			s.slots[slot{state, g.home(*a.place, a.end)}]--
		}
		s.count(a.record, a.verdict)
	}
	return r.moveLate(ctx, g, s)
}

// countPlace counts the slots of a place and notes its ends.
func (r *Report) countPlace(ctx context.Context, g *glance, p store.Counted, s *summary) error {
	limits, rest, state := verdict.Usual(), p.Grants, g.shownAs(p.Place)
	if g.ends(p.Place) {
		critical, err := r.within(ctx, p.Place, time.Time{}, g.now.Add(limits.Critical))
		if err != nil {
			return err
		}
		soon, err := r.within(ctx, p.Place, g.now.Add(limits.Critical), g.now.Add(limits.Warning))
		if err != nil {
			return err
		}
		s.slots[slot{state, verdict.Ending}] += critical
		s.slots[slot{state, verdict.EndingSoon}] += soon
		rest = max(rest-critical-soon, 0) // it may still be counting
	}
	s.slots[slot{state, g.base(p.Place)}] += rest
	if state == store.Reauthorize || state == store.Damaged {
		return nil
	}
	// Those that stand apart are noted by their records.
	list, err := r.cfg.Store.Attention(ctx, p.Place, nil, time.Time{}, 1+len(g.apart))
	if err != nil {
		return err
	}
	for _, first := range list {
		if _, apart := g.apart[first.Name]; apart {
			continue
		}
		earliest(&s.EarliestWindowEnd, first.Name, first.At)
		if g.counts(p.Place) && g.base(p.Place) != verdict.Rejected {
			earliest(&s.Horizon, first.Name, first.At)
		}
		break
	}
	if g.base(p.Place) == verdict.Rejected {
		return r.firstRefusal(ctx, g, p.Place, s)
	}
	return nil
}

// within counts grants of a place that end between two instants.
func (r *Report) within(ctx context.Context, p store.Place, from, before time.Time) (n int, err error) {
	read := r.between(p, from, before)
	for after := (position{}); ; {
		list, err := read(ctx, after, page)
		if n += len(list); err != nil || len(list) < page {
			return n, err
		}
		after = list[len(list)-1]
	}
}

// sighted is how many records are opened in search of what the index does not
// tell.
const sighted = 64

// firstRefusal notes since when a human is needed by those whose refresh token is
// refused.
func (r *Report) firstRefusal(ctx context.Context, g *glance, p store.Place, s *summary) error {
	list, err := r.cfg.Store.Attention(ctx, p, nil, time.Time{}, sighted)
	for _, found := range list {
		if stored, err := r.cfg.Store.Get(ctx, found.Name); err == nil {
			earliest(&s.Horizon, found.Name, r.verdictOf(g, stored.Record).End)
		}
	}
	return err
}

// moved is how many grants are looked at, at most, whose slot their place does
// not tell. What is beyond counts as their places have it.
const moved = 1000

// moveLate counts grants where their tokens expired, their refreshes are overdue
// or their outputs fail, instead of where their places have them.
func (r *Report) moveLate(ctx context.Context, g *glance, s *summary) error {
	sources, err := r.sources(ctx, g)
	if err != nil {
		return err
	}
	looked := 0
	for _, source := range sources {
		switch source.kind {
		case expiring, overdue, unwritten:
		default:
			continue
		}
		list, err := source.read(ctx, position{}, moved-looked)
		if err != nil {
			return err
		}
		for _, at := range list {
			looked++
			stored, err := r.cfg.Store.Get(ctx, at.name)
			if err != nil || stored.Removed {
				continue // its place says what there is to say
			}
			v := r.verdictOf(g, stored.Record)
			if !g.belongs(source, entry{record: stored.Record, verdict: v}) {
				continue
			}
			place := stored.Place()
			s.slots[slot{g.shownAs(place), g.home(place, stored.EndsAt())}]--
			s.slots[slot{v.State, slotOf(stored.Record, v)}]++
		}
		if looked >= moved {
			return nil
		}
	}
	return nil
}

func (r *Report) walkThrough(ctx context.Context, g *glance, view View, s *summary) error {
	for part, err := range r.cfg.Store.All(ctx, "", page) {
		if err != nil {
			return err
		}
		for _, stored := range part.Records {
			if !stored.Removed && view(stored.Name) {
				s.count(stored.Record, r.verdictOf(g, stored.Record))
			}
		}
		for _, d := range part.Damaged {
			if view(d.Name) {
				s.add(store.Damaged, 1)
				s.slots[slot{store.Damaged, verdict.Damaged}]++
			}
		}
	}
	for _, name := range r.cfg.States.PendingNames() {
		if view(name) {
			rec := &store.Record{Name: name}
			s.count(rec, verdict.Of(rec, r.cfg.States.PendingFacts(g.cfg, name), g.now))
		}
	}
	return nil
}
