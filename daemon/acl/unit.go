package acl

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// UnitOf returns the systemd unit that the peer of a unix connection runs in,
// such as "crm.service"; "" when it runs in none, or has ended, or when that
// cannot be told for certain.
//
// The unit is read from the control group of the peer's process, of which the
// socket knows the number only, and a number that has ended may come again
// under another unit. So the process is held by a pidfd while its group is
// read, and what was read counts only when the process was still alive after
// that. Since Linux 6.5 the socket gives the pidfd of the very process that
// connected. Before, it is opened by number, and a number that was used again
// between connect and accept cannot be noticed: user and group of the process
// have to be those of the connection then.
func UnitOf(conn syscall.Conn, p Peer) string {
	if p.PID <= 0 {
		return "" // of another pid namespace
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return ""
	}
	held := -1
	var certain bool
	if raw.Control(func(fd uintptr) { held, certain = holdPeer(int(fd), p) }) != nil || held < 0 {
		return ""
	}
	defer func() { _ = unix.Close(held) }()
	groups, err := readGroups(p.PID)
	if err != nil || !certain && !runsAs(p) || unix.PidfdSendSignal(held, 0, nil, 0) == unix.ESRCH {
		return ""
	}
	return unitIn(groups)
}

// readGroups reads /proc/PID/cgroup by bare calls: it happens at each connection,
// and package os makes twice as many of them, to find out what it can wait for.
func readGroups(pid int32) (string, error) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(int(pid))+"/cgroup", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }()
	text := make([]byte, 0, 1024)
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return "", err
		case n == 0:
			return string(text), nil
		}
		if text = text[:len(text)+n]; len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}

// holdPeer returns a pidfd, -1 for none, and whether it is certain to be that
// of the process that connected.
func holdPeer(fd int, p Peer) (held int, certain bool) {
	held, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err == nil {
		return held, true
	}
	if !errors.Is(err, unix.ENOPROTOOPT) {
		return -1, false // it has ended
	}
	if held, err = unix.PidfdOpen(int(p.PID), 0); err != nil {
		return -1, false
	}
	return held, false
}

func runsAs(p Peer) bool {
	info, err := os.Stat(fmt.Sprintf("/proc/%d", p.PID))
	if err != nil {
		return false
	}
	owner := info.Sys().(*syscall.Stat_t)
	return owner.Uid == p.UID && owner.Gid == p.GID
}

// unitIn finds the unit in the text of /proc/PID/cgroup (cgroups(7)):
//
//	0::/system.slice/crm.service               version 2
//	1:name=systemd:/system.slice/crm.service   version 1, systemd's hierarchy
//
// Where both are there, systemd keeps its tree in its own hierarchy.
func unitIn(groups string) string {
	var path string
	for line := range strings.Lines(groups) {
		number, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		switch {
		case controllers == "name=systemd":
			return unitOfPath(group)
		case number == "0" && controllers == "":
			path = group
		}
	}
	return unitOfPath(path)
}

// unitOfPath takes the first name below the slices. What is further down was
// delegated to the unit, and whoever runs there may name it as he likes: a
// user's own "crm.service" lies below user@1000.service.
func unitOfPath(path string) string {
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		// systemd puts "_" before a name that the kernel could take for one of
		// its own files, and before one that begins so.
		name = strings.TrimPrefix(name, "_")
		if strings.HasSuffix(name, ".slice") {
			continue
		}
		if ValidUnit(name) {
			return name
		}
		return ""
	}
	return ""
}

// unitTypes run processes.
var unitTypes = []string{".service", ".scope", ".socket", ".mount", ".swap"}

// longestUnit is systemd's own limit, of systemd.unit(5).
const longestUnit = 255

// ValidUnit reports whether a name is the full one of a unit that can run
// processes, by systemd.unit(5).
func ValidUnit(name string) bool {
	if len(name) > longestUnit {
		return false
	}
	for _, kind := range unitTypes {
		stem, found := strings.CutSuffix(name, kind)
		if !found {
			continue
		}
		const others = ":-_.\\@"
		return stem != "" && stem[0] != '@' && strings.IndexFunc(stem, func(r rune) bool {
			return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(others, r))
		}) < 0
	}
	return false
}

// sameUnit compares with a name of the configuration: "worker@.service" stands
// for every instance of that template.
func sameUnit(rule, unit string) bool {
	if rule == unit {
		return true
	}
	before, kind, template := strings.Cut(rule, "@.")
	if !template {
		return false
	}
	name, instance, found := strings.Cut(unit, "@")
	return found && name == before && strings.HasSuffix(instance, "."+kind) && instance != "."+kind
}
