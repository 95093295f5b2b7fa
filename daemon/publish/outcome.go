package publish

import (
	"errors"
	"slices"
	"time"

	"webex-tokend/daemon/disk"
	"webex-tokend/daemon/wire"
)

// A failed output is tried again after firstRetry, then after twice as long
// each time, at most after lastRetry. All of it is local, so that a short cap
// burdens nobody, and a folder that appears is filled within a minute.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
	// silentRetry is for a file system that does not answer: until it does, no
	// call is made, and then the token is late already.
	silentRetry = 5 * time.Second
)

// An outcome describes the state of one output.
type outcome struct {
	target     string // path of a file, or what a hook is listed as
	generation uint64 // of what stands there or was told; 0: none that we know of
	left       trace  // how the file was left; zero: not known
	err        error  // of the last try
	failures   int    // consecutive
	next       time.Time
}

// outcomeOf returns how it stands with one target, at first: nothing is there.
func outcomeOf(outcomes []outcome, target string) outcome {
	for _, o := range outcomes {
		if o.target == target {
			return o
		}
	}
	return outcome{target: target}
}

func (o outcome) carries(generation uint64) bool {
	return o.err == nil && generation > 0 && o.generation == generation
}

func (o outcome) failing() bool { return o.err != nil }

func (o outcome) waits(now time.Time) bool { return o.err != nil && now.Before(o.next) }

// failed is the outcome after one more failure.
func (o outcome) failed(err error, now time.Time) outcome {
	wait := min(firstRetry<<min(o.failures, 30), lastRetry)
	if errors.Is(err, disk.ErrSilent) {
		wait = min(wait, silentRetry)
	}
	return outcome{target: o.target, generation: o.generation, err: err, failures: o.failures + 1, next: now.Add(wait)}
}

// worse reports whether this failure is worth a word after the last outcome.
func (o outcome) worse(last outcome) bool {
	return o.err != nil && (last.err == nil || last.err.Error() != o.err.Error())
}

// nextTry returns the earliest instant at which an output is tried again, zero
// when none waits.
func nextTry(outcomes []outcome) time.Time {
	var at time.Time
	for _, o := range outcomes {
		if o.err != nil && (at.IsZero() || o.next.Before(at)) {
			at = o.next
		}
	}
	return at
}

// Outputs reports where the token of a grant stands, one entry for each of its
// files and hooks: ok, failed, or behind when it is not written or told yet or
// not worth it. It looks at no file. Generation is 0 where this process has not
// written or seen one.
func (p *Publisher) Outputs(name string) []wire.Output {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	g := p.queue.grants[name]
	if g == nil {
		g = &grant{}
	}
	var outputs []wire.Output
	files, hooks := p.outputs(name)
	for _, f := range files {
		o := outcomeOf(g.outcomes, f.Path)
		outputs = append(outputs, o.output("file", o.carries(g.generation) && !g.late && !g.running))
	}
	for _, h := range hooks {
		o := outcomeOf(g.hooks, target(h))
		if o.err == nil && !g.news {
			o.generation = g.generation // told by this process or one before
		}
		outputs = append(outputs, o.output("hook", o.carries(g.generation)))
	}
	return outputs
}

func (o outcome) output(kind string, inOrder bool) wire.Output {
	output := wire.Output{Type: kind, Target: o.target, State: "behind", Generation: o.generation}
	switch {
	case o.err != nil:
		output.State, output.Error = "failed", o.err.Error()
	case inOrder:
		output.State = "ok"
	}
	return output
}

// Failing lists the grants of which an output failed at its last try, in the
// order of their names.
func (p *Publisher) Failing() []string {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	var names []string
	for name, g := range p.queue.grants {
		if slices.ContainsFunc(g.outcomes, outcome.failing) || slices.ContainsFunc(g.hooks, outcome.failing) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
