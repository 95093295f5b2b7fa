package main

import (
	"os"
	"strings"
	"syscall"
)

// replace lets the command take the place of this process, with the token in its
// environment: there is nobody left who would have to pass on signals or its exit
// code. It returns when the command cannot be run.
func replace(path string, q query, token []byte) {
	_ = syscall.Exec(path, q.command, environment(os.Environ(), q.variable, string(token)))
}

// environment has the variable once: of several, programs do not agree on which
// one counts.
func environment(env []string, variable, value string) []string {
	out := make([]string, 0, len(env)+1)
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); name != variable {
			out = append(out, e)
		}
	}
	return append(out, variable+"="+value)
}
