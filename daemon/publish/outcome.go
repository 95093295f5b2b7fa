package publish

import (
	"slices"
	"time"

	"webex-tokend/daemon/wire"
)

// A failed output is tried again after firstRetry, then after twice as long
// each time, at most after lastRetry. All of it is local, so that a short cap
// burdens nobody, and a folder that appears is filled within a minute.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// An outcome is how it stands with one output.
type outcome struct {
	path       string
	generation uint64 // of what stands there; 0: none that we know of
	err        error  // of the last try
	failures   int    // consecutive
	next       time.Time
}

// outcomeOf returns how it stands with one path, at first: nothing is there.
func outcomeOf(outcomes []outcome, path string) outcome {
	for _, o := range outcomes {
		if o.path == path {
			return o
		}
	}
	return outcome{path: path}
}

func (o outcome) carries(generation uint64) bool {
	return o.err == nil && generation > 0 && o.generation == generation
}

func (o outcome) waits(now time.Time) bool { return o.err != nil && now.Before(o.next) }

// failed is the outcome after one more failure.
func (o outcome) failed(err error, now time.Time) outcome {
	wait := min(firstRetry<<min(o.failures, 30), lastRetry)
	return outcome{path: o.path, generation: o.generation, err: err, failures: o.failures + 1, next: now.Add(wait)}
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
// files: ok, failed, or behind when it is not written yet or not worth
// writing. It looks at no file. Generation is 0 where this process has not
// written or seen one.
func (p *Publisher) Outputs(name string) []wire.Output {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.queue.grants[name]
	if g == nil {
		g = &grant{}
	}
	var outputs []wire.Output
	for _, f := range p.files(name) {
		o := outcomeOf(g.outcomes, f.Path)
		output := wire.Output{Type: "file", Target: f.Path, State: "behind", Generation: o.generation}
		switch {
		case o.err != nil:
			output.State, output.Error = "failed", o.err.Error()
		case o.carries(g.generation):
			output.State = "ok"
		}
		outputs = append(outputs, output)
	}
	return outputs
}

// Failing lists the grants of which an output failed at its last try, in the
// order of their names.
func (p *Publisher) Failing() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for name, g := range p.queue.grants {
		if !nextTry(g.outcomes).IsZero() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
