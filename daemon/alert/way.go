package alert

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
)

// Ten troubles of a kind are told one by one, then one message a minute speaks
// of all that came up since.
const (
	atOnce = 10
	pace   = time.Minute
)

const (
	// leastRest and mostRest bound the pause after deliveries failed; it doubles.
	leastRest = 10 * time.Second
	mostRest  = 10 * time.Minute
	// inRow is how many deliveries fail in a row before the others wait.
	inRow = 3
)

// A way is one way of telling. But for what deliver does, it belongs to Run.
type way struct {
	method
	busy     bool
	failures int       // in a row
	err      error     // the last of them; nil: there is none
	rest     time.Time // nothing is sent before
	paces    map[group]*rate.Limiter
	told     uint64
	failed   uint64
}

// A method is how a way works. send returns when the message is delivered, or
// is not; used tells whether the configuration wants it.
type method struct {
	name string
	used func(config.Alert) bool
	send func(context.Context, config.Alert, Message) error
}

func newWay(m method) *way { return &way{method: m, paces: make(map[group]*rate.Limiter)} }

// A group selects the entries that share one message.
type group struct {
	kind        Kind
	integration string
	severity    string
	over        bool
}

// A letter is a message on its way, with the entries that it settles.
type letter struct {
	message Message
	group   group
	parts   []part
	tried   time.Time // the last time that it failed
}

// A part describes one entry of a letter.
type part struct {
	kind    Kind
	subject string
	stage   time.Duration
	over    bool
}

// An outcome lists the letters of one turn, delivered and failed.
type outcome struct {
	way       *way
	delivered []letter
	failed    []letter
	err       error // the last
}

// dispatch sends what is owed by every way that is free.
func (a *Alerts) dispatch(ctx context.Context) {
	cfg, now := a.cfg.Config().Alert, a.now()
	var figures []Figures
	for _, w := range a.ways {
		if !w.used(cfg) {
			continue
		}
		owed := a.owed(w, now)
		f := Figures{Way: w.name, Told: w.told, Failed: w.failed, Waiting: len(owed)}
		if w.err != nil {
			f.Error = w.err.Error()
		}
		figures = append(figures, f)
		if w.busy || time.Now().Before(w.rest) {
			continue
		}
		if letters := w.write(owed, a.cfg.Host, now); len(letters) > 0 {
			w.busy = true
			a.sending.Go(func() { a.done <- w.deliver(ctx, cfg, letters) })
		}
	}
	a.shared.mu.Lock()
	defer a.shared.mu.Unlock()
	a.shared.figures = figures
}

func (a *Alerts) owed(w *way, now time.Time) (list []*entry) {
	for e := range a.book.all() {
		if e.owes(w.name, now) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), verdict.CompareEnds(a.end(), b.end()), cmp.Compare(a.key(), b.key()))
	})
	return list
}

// end is when what an entry is about ends; zero: that is not known.
func (e *entry) end() time.Time {
	if e.about.Ends == nil {
		return time.Time{}
	}
	return *e.about.Ends
}

// write makes letters of what is owed: those that never failed first, so that
// one which always does holds up no other, then, as the alphabet has it, what is
// critical before warnings.
func (w *way) write(owed []*entry, host string, now time.Time) []letter {
	groups := make(map[group][]*entry)
	for _, e := range owed {
		g := e.group()
		groups[g] = append(groups[g], e)
	}
	var letters []letter
	for g, list := range groups {
		if w.paces[g] == nil {
			w.paces[g] = rate.NewLimiter(rate.Every(pace), atOnce)
		}
		room := int(w.paces[g].Tokens())
		switch {
		case room == 0:
		case len(list) > room:
			letters = append(letters, w.letter(g, compose(list, host, now), list...))
		default:
			for _, e := range list {
				letters = append(letters, w.letter(g, compose([]*entry{e}, host, now), e))
			}
		}
	}
	slices.SortFunc(letters, func(a, b letter) int {
		return cmp.Or(a.tried.Compare(b.tried), cmp.Compare(a.group.severity, b.group.severity), cmp.Compare(a.message.ID, b.message.ID))
	})
	return letters
}

func (e *entry) group() group {
	return group{kind: e.kind, integration: e.about.Integration, severity: e.kind.severity(e.Stage), over: !e.Over.IsZero()}
}

func (w *way) letter(g group, m Message, list ...*entry) letter {
	l := letter{message: m, group: g}
	for _, e := range list {
		l.parts = append(l.parts, part{e.kind, e.subject, e.Stage, g.over})
		if tried := e.tried[w.name]; tried.After(l.tried) {
			l.tried = tried
		}
	}
	return l
}

// deliver sends letters until so many fail that the others would as well.
func (w *way) deliver(ctx context.Context, cfg config.Alert, letters []letter) outcome {
	o := outcome{way: w}
	failures := 0
	for _, l := range letters {
		err := w.send(ctx, cfg, l.message)
		switch {
		case err == nil:
			o.delivered = append(o.delivered, l)
			failures = 0
			continue
		case ctx.Err() != nil:
			return o
		}
		o.failed, o.err = append(o.failed, l), err
		if failures++; failures == inRow {
			break
		}
	}
	return o
}

// confirm notes what was told and what was not.
func (a *Alerts) confirm(o outcome) {
	w, now := o.way, time.Now()
	w.busy = false
	w.told += uint64(len(o.delivered))
	w.failed += uint64(len(o.failed))
	for _, l := range o.delivered {
		w.paces[l.group].Allow()
		for _, p := range l.parts {
			e := a.book.find(p.kind, p.subject)
			e.tell(w.name, p.stage, p.over)
			a.book.changed(e)
		}
	}
	for _, l := range o.failed {
		for _, p := range l.parts {
			e := a.book.find(p.kind, p.subject)
			if e.tried == nil {
				e.tried = make(map[string]time.Time)
			}
			e.tried[w.name] = now
		}
	}
	switch {
	case len(o.failed) > 0:
		w.failures++
		w.err = o.err
		w.rest = now.Add(min(leastRest<<min(w.failures-1, 16), mostRest))
		if w.failures == 1 {
			a.cfg.Log.Error("alert not delivered, trying again", "way", w.name, "error", o.err)
		}
	case w.failures > 0 && len(o.delivered) > 0:
		w.failures, w.err = 0, nil
		a.cfg.Log.Info("alerts are delivered again", "way", w.name)
	}
}
