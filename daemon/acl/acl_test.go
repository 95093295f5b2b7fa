package acl_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"webex-tokend/daemon/acl"
)

const (
	own    = 900
	alice  = 1000
	bob    = 1001
	nobody = 65534
	crm    = 2000
)

// rules are those of a namespace in which not everybody has a number.
func rules(blocks ...acl.Block) *acl.Rules {
	return acl.New(acl.Config{Blocks: blocks, Own: new(uint32(own)), Overflow: new(true)})
}

func TestWhoMayDoWhat(t *testing.T) {
	token := acl.Block{Users: []string{"1000"}, Actions: []acl.Action{acl.Token}, Grants: []string{"ops", "t-*"}}
	group := acl.Block{Groups: []string{"2000"}, Actions: []acl.Action{acl.Refresh}, Grants: []string{"*"}}
	admin := acl.Block{Users: []string{"1000"}, Actions: []acl.Action{acl.Admin}, Grants: []string{"ops"}}
	nogroup := acl.Block{Groups: []string{"65534"}, Users: []string{"65534"}, Actions: []acl.Action{acl.Admin}, Grants: []string{"*"}}
	for _, test := range []struct {
		name   string
		blocks []acl.Block
		peer   acl.Peer
		action acl.Action
		grant  string
		want   bool
	}{
		{"root may do everything without a block", nil, acl.Peer{UID: 0}, acl.Admin, "ops", true},
		{"the daemon's own user may do everything", nil, acl.Peer{UID: own}, acl.Admin, "ops", true},
		{"a stranger may do nothing without a block", nil, acl.Peer{UID: alice}, acl.Status, "ops", false},
		{"a stranger may do nothing that others may", []acl.Block{token}, acl.Peer{UID: bob, GID: crm}, acl.Token, "ops", false},
		{"a user may do what a block says", []acl.Block{token}, acl.Peer{UID: alice}, acl.Token, "ops", true},
		{"a user may do it on what a pattern matches", []acl.Block{token}, acl.Peer{UID: alice}, acl.Token, "t-1", true},
		{"a user may not do it on another grant", []acl.Block{token}, acl.Peer{UID: alice}, acl.Token, "ops2", false},
		{"every action implies status", []acl.Block{token}, acl.Peer{UID: alice}, acl.Status, "ops", true},
		{"token does not imply refresh", []acl.Block{token}, acl.Peer{UID: alice}, acl.Refresh, "ops", false},
		{"refresh does not imply token", []acl.Block{group}, acl.Peer{UID: alice, GID: crm}, acl.Token, "ops", false},
		{"token does not imply admin", []acl.Block{token}, acl.Peer{UID: alice}, acl.Admin, "ops", false},
		{"admin implies token", []acl.Block{admin}, acl.Peer{UID: alice}, acl.Token, "ops", true},
		{"admin of one grant is not admin of another", []acl.Block{admin}, acl.Peer{UID: alice}, acl.Token, "t-1", false},
		{"blocks add up", []acl.Block{token, group}, acl.Peer{UID: alice, GID: crm}, acl.Refresh, "t-1", true},
		{"blocks do not multiply", []acl.Block{token, group}, acl.Peer{UID: alice, GID: crm}, acl.Token, "x", false},
		{"a primary group counts", []acl.Block{group}, acl.Peer{UID: bob, GID: crm}, acl.Refresh, "x", true},
		{"a supplementary group counts", []acl.Block{group}, acl.Peer{UID: bob, GID: 5, Groups: []uint32{7, crm}}, acl.Refresh, "x", true},
		{"a user's number is no group's", []acl.Block{group}, acl.Peer{UID: crm, GID: 5}, acl.Refresh, "x", false},
		{"the whole daemon wants a block for all grants", []acl.Block{admin, token}, acl.Peer{UID: alice}, acl.Status, "", false},
		{"a block for all grants covers the whole daemon", []acl.Block{group}, acl.Peer{UID: bob, GID: crm}, acl.Refresh, "", true},
		{"the overflow user matches no block", []acl.Block{nogroup}, acl.Peer{UID: nobody}, acl.Status, "ops", false},
		{"the overflow group matches no block", []acl.Block{nogroup}, acl.Peer{UID: alice, GID: nobody, Groups: []uint32{nobody}}, acl.Status, "ops", false},
		{"a block without actions permits nothing", []acl.Block{{Users: []string{"1000"}, Grants: []string{"*"}}}, acl.Peer{UID: alice}, acl.Status, "ops", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rules(test.blocks...).Allowed(test.peer, test.action, test.grant); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestTheOverflowUserHasNoRightsEvenWhereTheDaemonIsOne(t *testing.T) {
	r := acl.New(acl.Config{Own: new(uint32(nobody)), Overflow: new(true)})
	p := acl.Peer{UID: nobody}
	if r.Allowed(p, acl.Status, "ops") || r.Named(p) || r.View(p) == nil {
		t.Error("it has")
	}
}

func TestNobodyIsAUserAsOthersWhereEverybodyHasANumber(t *testing.T) {
	block := acl.Block{Users: []string{"65534"}, Actions: []acl.Action{acl.Token}, Grants: []string{"ops"}}
	r := acl.New(acl.Config{Blocks: []acl.Block{block}, Own: new(uint32(own)), Overflow: new(false)})
	p := acl.Peer{UID: nobody, GID: nobody}
	if !r.Allowed(p, acl.Token, "ops") || r.Allowed(p, acl.Token, "m") {
		t.Error("a block does not count for nobody as it does for others")
	}
	if r = acl.New(acl.Config{Own: new(uint32(nobody)), Overflow: new(false)}); !r.Allowed(p, acl.Admin, "ops") {
		t.Error("a daemon that runs as nobody refuses its own user")
	}
}

func TestAViewShowsWhatThePeerMaySee(t *testing.T) {
	r := rules(
		acl.Block{Users: []string{"1000"}, Actions: []acl.Action{acl.Token}, Grants: []string{"ops"}},
		acl.Block{Users: []string{"1000"}, Actions: []acl.Action{acl.Status}, Grants: []string{"t-*"}},
		acl.Block{Groups: []string{"2000"}, Actions: []acl.Action{acl.Status}, Grants: []string{"*"}},
	)
	names := []string{"ops", "t-1", "x"}
	for name, test := range map[string]struct {
		peer  acl.Peer
		all   bool
		named bool
		want  []string
	}{
		"root sees all":                         {acl.Peer{UID: 0}, true, true, names},
		"a block for all grants shows all":      {acl.Peer{UID: bob, GID: crm}, true, true, names},
		"a user sees what his blocks name":      {acl.Peer{UID: alice}, false, true, []string{"ops", "t-1"}},
		"whom no block names sees nothing":      {acl.Peer{UID: bob}, false, false, nil},
		"an unidentified number is no root":     {acl.Peer{UID: nobody, GID: crm}, false, false, nil},
		"the daemon's user sees all by default": {acl.Peer{UID: own}, true, true, names},
	} {
		t.Run(name, func(t *testing.T) {
			view := r.View(test.peer)
			if (view == nil) != test.all {
				t.Errorf("sees all: %v", view == nil)
			}
			var seen []string
			for _, n := range names {
				if view == nil || view(n) {
					seen = append(seen, n)
				}
			}
			if !slices.Equal(seen, test.want) || r.Named(test.peer) != test.named {
				t.Errorf("sees %q, named %v", seen, r.Named(test.peer))
			}
		})
	}
}

func TestNamesOfAccountsAreResolved(t *testing.T) {
	r := rules(acl.Block{Users: []string{"daemon"}, Groups: []string{"daemon"}, Actions: []acl.Action{acl.Token}, Grants: []string{"ops"}})
	if len(r.Warnings) != 0 || !r.Allowed(acl.Peer{UID: 1, GID: 500}, acl.Token, "ops") || !r.Allowed(acl.Peer{UID: 500, GID: 1}, acl.Token, "ops") {
		t.Errorf("daemon is not user and group 1; warnings %q", r.Warnings)
	}
}

func TestAnUnknownNameLetsNobodyInAndIsWarnedAbout(t *testing.T) {
	r := rules(acl.Block{Users: []string{"no-such-user", "-1", "4294967296"}, Groups: []string{"no-such-group"}, Actions: []acl.Action{acl.Admin}, Grants: []string{"*"}})
	if len(r.Warnings) != 4 {
		t.Errorf("warnings are %q", r.Warnings)
	}
	for _, uid := range []uint32{1, alice, 1<<32 - 1} {
		if r.Named(acl.Peer{UID: uid, GID: uid}) {
			t.Errorf("%d is let in", uid)
		}
	}
}

func TestTheKernelSaysWhoCalls(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	caller, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p, err := acl.Identify(conn.(*net.UnixConn))
	if err != nil {
		t.Fatal(err)
	}
	if kept, ok := acl.FromContext(acl.NewContext(t.Context(), p)); !ok || kept.PID != p.PID {
		t.Errorf("a request of it has the peer %+v", kept)
	}
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	var mine []uint32
	for _, g := range groups {
		mine = append(mine, uint32(g))
	}
	slices.Sort(mine)
	slices.Sort(p.Groups)
	if p.UID != uint32(os.Getuid()) || p.GID != uint32(os.Getgid()) || p.PID != int32(os.Getpid()) || !slices.Equal(p.Groups, mine) {
		t.Errorf("got %+v, groups are %v", p, mine)
	}
}

// A process with more groups than the first buffer holds takes the second turn
// of the loop. Groups belong to threads on Linux, and setting them is for root.
func TestAPeerWithManyGroupsIsReadWhole(t *testing.T) {
	before, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	many := make([]int, 200)
	for i := range many {
		many[i] = 5000 + i
	}
	if err := syscall.Setgroups(many); err != nil {
		t.Skip("may not set groups:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Setgroups(before); err != nil {
			t.Fatal(err)
		}
	})
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "one")
	defer f.Close()
	defer syscall.Close(fds[1])
	p, err := acl.PeerOf(f)
	if err != nil || len(p.Groups) != len(many) || !slices.Contains(p.Groups, 5199) {
		t.Errorf("got %d groups, %v", len(p.Groups), err)
	}
}

func TestAConnectionOverTCPHasNoPeer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if p, err := acl.Identify(conn.(*net.TCPConn)); err == nil {
		t.Errorf("got %+v", p)
	}
	if p, ok := acl.FromContext(t.Context()); ok {
		t.Errorf("a request without one has %+v", p)
	}
}
