package credential_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/credential"
	"webex-tokend/daemon/refresh"
	"webex-tokend/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A record keeps what was logged.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// begin serves the token "of-NAME" for every grant but "none".
func begin(t *testing.T) (socket string, log *record, handed chan acl.Peer) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root is answered")
	}
	dir, err := os.MkdirTemp("", "credential")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o711, socket: 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	rules := acl.New(acl.Config{Blocks: []acl.Block{
		{Units: []string{"crm.service"}, Actions: []acl.Action{acl.Token}, Grants: []string{"ops"}},
		{Units: []string{"all.service"}, Actions: []acl.Action{acl.Token}, Grants: []string{"*"}},
		{Units: []string{"two.service"}, Actions: []acl.Action{acl.Token}, Grants: []string{"ops", "crm"}},
		{Units: []string{"look.service"}, Actions: []acl.Action{acl.Status}, Grants: []string{"ops"}},
		{Users: []string{"0"}, Actions: []acl.Action{acl.Admin}, Grants: []string{"*"}},
	}})
	log, handed = &record{}, make(chan acl.Peer, 1)
	s := credential.New(credential.Config{
		Token: func(_ context.Context, grant string, _ time.Duration) (refresh.Current, error) {
			if grant == "none" {
				return refresh.Current{}, errors.New("nothing there")
			}
			return refresh.Current{Grant: grant, Generation: 7, Token: store.Token{Access: store.NewSecret("of-" + grant)}}, nil
		},
		Rules:  func() *acl.Rules { return rules },
		Handed: func(_ string, to acl.Peer, _ uint64) { handed <- to },
		Log:    hclog.New(&hclog.LoggerOptions{Output: log}),
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
	return socket, log, handed
}

// address is one as systemd takes it. The names are those of the whole host, and
// other processes run these tests too.
func address(random, rest string) string {
	return fmt.Sprintf("@%s%x/%s", random, os.Getpid(), rest)
}

// read connects from an address of its own and reads to the end.
func read(socket, from string) (string, error) {
	var local *net.UnixAddr
	if from != "" {
		local = &net.UnixAddr{Name: from, Net: "unix"}
	}
	conn, err := net.DialUnix("unix", local, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	content, err := io.ReadAll(conn)
	return string(content), err
}

func TestWhatAUnitGets(t *testing.T) {
	socket, log, handed := begin(t)
	for _, test := range []struct {
		name, from, want string
		says             string // the log
	}{
		{"a credential named like the grant", address("f00d", "unit/crm.service/ops"), "of-ops", "unit=crm.service credential=ops grant=ops generation=7"},
		{"the only grant by the general name", address("f00e", "unit/crm.service/webex"), "of-ops", "credential=webex grant=ops"},
		{"a grant by a pattern", address("f00f", "unit/all.service/other"), "of-other", "grant=other"},
		{"the general name is a grant's name first", address("f010", "unit/all.service/webex"), "of-webex", "grant=webex"},
		{"nothing of another grant", address("f011", "unit/crm.service/crm"), "", "credential refused: unit=crm.service"},
		{"nothing where the general name is not clear", address("f012", "unit/two.service/webex"), "", "do not name exactly one"},
		{"nothing for a unit without a rule, whoever it runs as", address("f013", "unit/none.service/ops"), "", "no allow block"},
		{"nothing for a unit that may only look", address("f014", "unit/look.service/ops"), "", "no allow block"},
		{"nothing where there is no token", address("f015", "unit/all.service/none"), "", "nothing there"},
		{"nothing for a connection without a name", "", "", "not asked by systemd"},
		{"nothing for a name of another kind", address("f016", "system/crm.service/ops"), "", "not asked by systemd"},
		{"nothing for a name that goes on", address("f017", "unit/crm.service/ops/x"), "", "not asked by systemd"},
		{"nothing for what is no unit", address("f018", "unit/../ops"), "", "not asked by systemd"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := read(socket, test.from)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v", got, err)
			}
			if test.want != "" {
				if p := <-handed; p.UID != 0 || !strings.Contains(test.from, p.Unit) {
					t.Errorf("handed to %+v", p)
				}
			}
			// The line comes before the end of the connection, or before handed.
			if text := log.String(); !strings.Contains(text, test.says) {
				t.Errorf("the log does not say %q:\n%s", test.says, text)
			}
			if strings.Contains(log.String(), "of-") {
				t.Error("the log holds a token")
			}
		})
	}
}

func TestANameThatAnotherUserForgesGetsNothing(t *testing.T) {
	socket, log, _ := begin(t)
	self, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(filepath.Dir(socket), "forge")
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	forge := exec.Command(program, "-test.run=^TestForging$", "-test.v")
	forge.Env = append(os.Environ(), "ASK="+socket)
	forge.Dir = "/"
	forge.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 41414, Gid: 41414}}
	out, err := forge.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `got ""`) {
		t.Errorf("%v: %s", err, out)
	}
	if text := log.String(); !strings.Contains(text, "uid=41414") || !strings.Contains(text, "not asked by root") {
		t.Errorf("the log says %s", text)
	}
}

// TestForging is the process of the test above.
func TestForging(t *testing.T) {
	socket := os.Getenv("ASK")
	if socket == "" {
		t.Skip("a part of another test")
	}
	got, err := read(socket, address("f00d", "unit/crm.service/ops"))
	t.Logf("got %q, %v", got, err)
}
