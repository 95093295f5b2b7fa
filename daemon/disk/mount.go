package disk

import (
	"os"
	"strings"
)

// mountOf returns the mount point that a path lies below, by the kernel's list:
// to ask the file system itself could be what does not come back. Links on the
// way are not followed, for the same reason.
func mountOf(path string) string {
	list, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "/"
	}
	best := "/"
	for line := range strings.Lines(string(list)) {
		// proc_pid_mountinfo(5): the fifth field, with blanks as \040.
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		at := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[4])
		if len(at) > len(best) && (path == at || strings.HasPrefix(path, at+"/")) {
			best = at
		}
	}
	return best
}
