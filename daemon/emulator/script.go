package emulator

import (
	"net/http"
	"sync"
)

// An Answer decides what a client gets for one request. Behave is the server as
// it is without any mischief, for answers that change or delay the true one; a
// request that behave sees has its effects, such as a rotated refresh token. A
// token request comes with its form parsed, so its body is read already.
type Answer func(w http.ResponseWriter, r *http.Request, behave http.Handler)

// faults are what tests make go wrong.
type faults struct {
	mu      sync.Mutex          // guards all below
	scripts map[string][]Answer // by path; "" is any token endpoint
	down    bool
	outages []outage
}

// Script sets the answers to the next token requests at any of the three token
// endpoints, one each, behind those that are set already.
func (e *Emulator) Script(answers ...Answer) { e.ScriptAt("", answers...) }

// ScriptAt sets the answers to the next requests for one path, such as MePath.
// They come before those of Script.
func (e *Emulator) ScriptAt(path string, answers ...Answer) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.scripts[path] = append(e.faults.scripts[path], answers...)
}

// Scripted returns how many answers wait still. A test that set them asks at
// its end whether they were used.
func (e *Emulator) Scripted() int {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	n := 0
	for _, queue := range e.faults.scripts {
		n += len(queue)
	}
	return n
}

// scripted takes the next answer for a path, nil when none is set.
func (e *Emulator) scripted(path string) Answer {
	_, token := e.issuer.cfg.dialect(path)
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	for _, key := range []string{path, ""} {
		if queue := e.faults.scripts[key]; len(queue) > 0 && (key != "" || token) {
			e.faults.scripts[key] = queue[1:]
			return queue[0]
		}
	}
	return nil
}
