package main

import (
	"math"
	"os"
	"runtime/debug"
)

// spacious is the GOGC of a process whose memory has a limit: collecting garbage
// took an eighth of the processor time of a refresh, most of it for a heap of a few
// megabytes. When the limit comes near, Go collects as often as that takes.
const spacious = 400

// useMemory collects garbage less often where the service manager has set a limit
// of the memory, and the operator no GOGC.
func useMemory() {
	if percent, ok := collectAt(debug.SetMemoryLimit(-1), os.Getenv("GOGC")); ok {
		debug.SetGCPercent(percent)
	}
}

func collectAt(limit int64, asked string) (percent int, ok bool) {
	return spacious, asked == "" && limit < math.MaxInt64
}
