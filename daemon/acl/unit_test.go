package acl

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestAUnitIsReadFromItsControlGroup(t *testing.T) {
	for name, test := range map[string]struct{ groups, want string }{
		"version 2":                               {"0::/system.slice/crm.service\n", "crm.service"},
		"version 1":                               {"2:cpu:/x.service\n1:name=systemd:/system.slice/crm.service\n", "crm.service"},
		"both at once":                            {"1:name=systemd:/system.slice/crm.service\n0::/other.service\n", "crm.service"},
		"an instance in a slice of slices":        {"0::/a.slice/a-b.slice/worker@7.service\n", "worker@7.service"},
		"a group below the unit":                  {"0::/system.slice/crm.service/evil.service\n", "crm.service"},
		"a user's own service is no system unit":  {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/crm.service\n", "user@1000.service"},
		"a session":                               {"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"},
		"a container":                             {"0::/machine.slice/machine-x.scope/payload/system.slice/crm.service\n", "machine-x.scope"},
		"a name that had to be protected":         {"0::/system.slice/_cpu.x.service\n", "cpu.x.service"},
		"a name that begins so itself":            {"0::/system.slice/__x.service\n", "_x.service"},
		"the root":                                {"0::/\n", ""},
		"init":                                    {"0::/init.scope\n", "init.scope"},
		"a group that is no unit":                 {"0::/docker/0123abcd\n", ""},
		"a group outside of what can be seen":     {"0::/../crm.service\n", ""},
		"a slice alone":                           {"0::/system.slice\n", ""},
		"a name with what units do not have":      {"0::/crm service.service\n", ""},
		"version 1 without systemd's hierarchy":   {"3:memory:/crm.service\n", ""},
		"a line break in a name is not a new one": {"1:name=systemd:/a\\n0::/crm.service\n", ""},
		"nothing":                                 {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unitIn(test.groups); got != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestARuleNamesAUnitOrEveryInstance(t *testing.T) {
	for _, test := range []struct {
		rule, unit string
		want       bool
	}{
		{"crm.service", "crm.service", true},
		{"crm.service", "crm2.service", false},
		{"crm.service", "crm.socket", false},
		{"worker@.service", "worker@7.service", true},
		{"worker@.service", "worker@a@b.service", true},
		{"worker@.service", "worker@.service", true},
		{"worker@.service", "worker.service", false},
		{"worker@.service", "other@7.service", false},
		{"worker@.service", "worker@7.socket", false},
		{"worker@7.service", "worker@8.service", false},
	} {
		if got := sameUnit(test.rule, test.unit); got != test.want {
			t.Errorf("%s for %s: %v", test.rule, test.unit, got)
		}
	}
}

func TestRulesLetUnitsIn(t *testing.T) {
	r := New(Config{Own: new(uint32(900)), Overflow: new(true), Blocks: []Block{
		{Units: []string{"crm.service", "worker@.service"}, Actions: []Action{Token}, Grants: []string{"ops"}},
		{Units: []string{"worker@.service"}, Actions: []Action{Token}, Grants: []string{"tenant-*"}},
		{Users: []string{"1000"}, Actions: []Action{Token}, Grants: []string{"own"}},
	}})
	inUnit := Peer{UID: 1001, Unit: "crm.service"}
	if !r.Allowed(inUnit, Token, "ops") || !r.Named(inUnit) || r.Allowed(inUnit, Refresh, "ops") || r.Allowed(inUnit, Token, "own") {
		t.Error("a peer is not what its unit is")
	}
	if r.Named(Peer{UID: 1001}) || r.Named(Peer{UID: overflow, Unit: "crm.service"}) {
		t.Error("a peer without a unit, or without a user, is let in")
	}
	if !r.UnitAllowed("crm.service", Token, "ops") || r.UnitAllowed("crm.service", Token, "own") || r.UnitAllowed("", Token, "ops") {
		t.Error("a unit is not let in by its rules alone")
	}
	for unit, want := range map[string]string{"crm.service": "ops", "worker@1.service": "", "none.service": ""} {
		if got, ok := r.OnlyGrant(unit, Token); got != want || ok != (want != "") {
			t.Errorf("%s has only %q, %v", unit, got, ok)
		}
	}
}

// peerAt returns what the kernel tells of whoever connects.
func peerAt(t *testing.T, connect func(socket string)) (Peer, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	connect(socket)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p, err := PeerOf(conn.(*net.UnixConn))
	if err != nil {
		t.Fatal(err)
	}
	return p, UnitOf(conn.(*net.UnixConn), p)
}

func TestTheUnitOfAPeerIsThatOfItsProcess(t *testing.T) {
	own := joinUnit(t, "test")
	p, unit := peerAt(t, func(socket string) {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	})
	if unit != own {
		t.Errorf("process %d, which is this one, runs in %q", p.PID, unit)
	}
}

// joinUnit moves this process into a control group for the time of the test. No
// other process has one of that name.
func joinUnit(t *testing.T, name string) (unit string) {
	t.Helper()
	unit = fmt.Sprintf("webex-tokend-%s-%d.service", name, os.Getpid())
	root := "/sys/fs/cgroup/systemd"
	if _, err := os.Stat(root); err != nil {
		root = "/sys/fs/cgroup"
	}
	group := filepath.Join(root, unit)
	move := func(to string) error {
		return os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
	}
	before, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skip("may not make a control group:", err)
	}
	if err := move(group); err != nil {
		_ = os.Remove(group)
		t.Skip("may not move into a control group:", err)
	}
	t.Cleanup(func() {
		home := root
		for line := range strings.Lines(string(before)) {
			for _, mark := range []string{":name=systemd:", "0::"} {
				if _, path, found := strings.Cut(strings.TrimSpace(line), mark); found && home == root {
					home = filepath.Join(root, path)
				}
			}
		}
		if err := move(home); err != nil {
			t.Error(err)
		}
		if err := os.Remove(group); err != nil {
			t.Error(err)
		}
	})
	return unit
}

func TestAPeerThatHasEndedHasNoUnit(t *testing.T) {
	joinUnit(t, "gone")
	_, unit := peerAt(t, func(socket string) {
		// It runs in the unit, connects and ends.
		child := exec.Command(os.Args[0], "-test.run=^TestConnecting$")
		child.Env = append(os.Environ(), "CONNECT_TO="+socket)
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	if unit != "" {
		t.Errorf("it runs in %q", unit)
	}
}

// TestConnecting is the process of the test above.
func TestConnecting(t *testing.T) {
	socket := os.Getenv("CONNECT_TO")
	if socket == "" {
		t.Skip("a part of another test")
	}
	if _, err := net.Dial("unix", socket); err != nil {
		t.Fatal(err)
	}
}
