package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// invocation is how this program is called from where it was called, for the
// commands that it prints: by its name where the shell finds it by that, by
// "go run" from the source, else by the path that was typed.
func invocation() string {
	const name = "webex-tokend"
	self, err := os.Executable()
	if err != nil {
		return name
	}
	if found, err := exec.LookPath(name); err == nil && sameProgram(found, self) {
		return name
	}
	if byGoRun(self) {
		const source = "./cmd/webex-tokend"
		if _, err := os.Stat(source); err == nil {
			return "go run " + source
		}
		return self
	}
	if strings.ContainsRune(os.Args[0], filepath.Separator) {
		return os.Args[0]
	}
	return name
}

// byGoRun reports whether "go run" started the program: it keeps what it built in
// its cache, or in a folder that goes when the program ends.
func byGoRun(self string) bool {
	cache := os.Getenv("GOCACHE")
	return strings.Contains(self, string(filepath.Separator)+"go-build") ||
		cache != "" && strings.HasPrefix(self, filepath.Clean(cache)+string(filepath.Separator))
}

// enter is the command without which the invocation works from the current folder
// alone; empty where it works from everywhere.
func enter() string {
	program := invocation()
	if program == "webex-tokend" || filepath.IsAbs(program) {
		return ""
	}
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	return "cd " + folder
}

func sameProgram(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
