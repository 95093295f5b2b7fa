package acl

import (
	"math"
	"os"
	"strconv"
	"strings"
)

// overflow is the number that the kernel shows for users and groups without one
// in this user namespace (proc_sys_kernel(5), overflowuid). It is the number of
// nobody too, as whom many containers run.
const overflow = 65534

// overflows reports whether there may be users or groups without a number. In
// the initial namespace, and in containers that share it, there are none, and
// 65534 is nobody and no one else. In doubt there are some.
func overflows() bool {
	for _, file := range []string{"/proc/self/uid_map", "/proc/self/gid_map"} {
		text, err := os.ReadFile(file)
		if err != nil || !mapsAll(string(text)) {
			return true
		}
	}
	return false
}

// mapsAll reports whether a map of a user namespace (user_namespaces(7)) has a
// line for every number: first one inside, first one outside, how many.
// 4294967295 is none, for it means "unchanged" in system calls.
func mapsAll(text string) bool {
	var sum uint64
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			return false
		}
		count, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return false
		}
		sum += count
	}
	return sum == math.MaxUint32
}
