package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store/seal"
)

// Numbers of pod.yaml.
const (
	daemonID = 65532
	sharedID = 2000
)

// A scratch is the inside of a container that holds nothing but the static
// binary, its configuration and the certificate of Webex.
type scratch struct {
	*estate
	log bytes.Buffer
}

func newScratch(t *testing.T) *scratch {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to change the root folder")
	}
	s := &scratch{estate: &estate{t: t, dir: t.TempDir(), webex: emulator.New(emulator.Config{Calm: true})}}
	s.server = httptest.NewTLSServer(s.webex)
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	build := exec.Command("go", "build", "-trimpath", "-o", s.path("/webex-tokend"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	s.write("/etc/ssl/certs/ca-certificates.crt", certificate(s.server.Certificate()))
	client := s.webex.Client(emulator.REST)
	config := strings.Replace(podConfig(t), `client_id          = "C0ffee"`,
		"client_id = \""+client.ID+"\"\n  token_url = \""+s.server.URL+emulator.TokenPath+"\"\n  min_interval = \"1s\"", 1)
	s.write("/etc/webex-tokend/config/config.hcl", config)
	s.write("/etc/webex-tokend/secret/crm.secret", client.Secret)
	s.write("/etc/webex-tokend/secret/ops.json", string(s.webex.Issue(emulator.REST, emulator.Consent{}).Response))
	if err := seal.WriteKey(s.path("/etc/webex-tokend/secret/store.key"), seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	s.asMounted()
	return s
}

// asMounted gives files and folders the owners and modes that volumes have.
func (s *scratch) asMounted() {
	s.t.Helper()
	for folder, owner := range map[string]int{"/var/lib/webex-tokend": daemonID, "/run/webex-tokend": 0} {
		if err := os.MkdirAll(s.path(folder), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.Chown(s.path(folder), owner, sharedID); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.Chmod(s.path("/run/webex-tokend"), os.ModeSetgid|0o777); err != nil {
		s.t.Fatal(err)
	}
	err := filepath.WalkDir(s.path("/etc"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if err := os.Chown(path, 0, sharedID); err != nil {
			return err
		}
		return os.Chmod(path, 0o440)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func certificate(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// podConfig is what pod.yaml gives to the daemon.
func podConfig(t *testing.T) string {
	t.Helper()
	file, err := os.Open("sidecar/pod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for documents := yaml.NewDecoder(file); ; {
		var document struct {
			Kind string
			Data map[string]string
		}
		if err := documents.Decode(&document); err == io.EOF {
			t.Fatal("pod.yaml has no configuration")
		} else if err != nil {
			t.Fatal(err)
		}
		if document.Kind == "ConfigMap" {
			return document.Data["config.hcl"]
		}
	}
}

// command runs the program as the first process of the container. There is no
// /proc in it.
func (s *scratch) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/webex-tokend", args...)
	cmd.Dir = "/"
	cmd.Env = []string{"TZ=America/St_Johns"}
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     s.dir,
		Credential: &syscall.Credential{Uid: daemonID, Gid: daemonID, Groups: []uint32{sharedID}},
		Cloneflags: syscall.CLONE_NEWPID,
	}
	return cmd
}

func TestTheSidecarRunsWhereThereIsNothingElse(t *testing.T) {
	s := newScratch(t)
	const config, file = "/etc/webex-tokend/config/config.hcl", "/run/webex-tokend/tokens/ops"
	if err := s.command("run", "--once", "--config", config).Run(); err != nil {
		t.Fatalf("run --once: %v\n%s", err, &s.log)
	}
	first := s.read(file)
	info, err := os.Stat(s.path(file))
	if err != nil || info.Mode() != 0o640 || info.Sys().(*syscall.Stat_t).Gid != sharedID {
		t.Errorf("the token file has mode %v, %v", info.Mode(), err)
	}
	if !s.webex.ValidAccess(strings.TrimSpace(first)) {
		t.Error("the token file holds no token of Webex")
	}
	// The offset that zone has in winter or summer.
	if !regexp.MustCompile(`T[0-9:.]+-0[23]30 `).Match(s.log.Bytes()) {
		t.Errorf("the log has times of another zone:\n%s", &s.log)
	}

	// It goes on from the store, without what the init container registered.
	if err := os.Remove(s.path("/etc/webex-tokend/secret/ops.json")); err != nil {
		t.Fatal(err)
	}
	daemon := s.command("run", "--config", config)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	s.until("the daemon answers", func() bool { return s.estate.command("webex-tokend", "status").Run() == nil })
	s.output("webex-tokend", "refresh", "ops") // over TLS, with the bundle of the image
	s.until("the token file is another one", func() bool { return s.read(file) != first })
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, &s.log)
	}
}

func TestTheFirstProcessPassesSignalsOnAndTakesOrphansIn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a process namespace")
	}
	e := newEstate(t)
	e.declare(`
grant "ops" {
  integration = "crm"
  hook {
    command = ["/bin/sh", "-c", "(sleep 0.01 &) ; (sleep 0.01 &) ; echo $$ >>` + e.path("heard") + `"]
  }
}
`)
	log, err := os.Create(e.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := e.command("webex-tokend", "run", "--config", e.path("/etc/webex-tokend/config.hcl"))
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	e.until("the daemon answers", func() bool { return e.command("webex-tokend", "status").Run() == nil })
	e.register("ops", emulator.REST)
	e.until("the hook has run", func() bool { _, err := os.Stat(e.path("heard")); return err == nil })
	for range 3 {
		e.output("webex-tokend", "refresh", "ops")
	}
	e.until("the hook has run for each token", func() bool { return strings.Count(e.read("heard"), "\n") >= 2 })
	e.until("all orphans are gone", func() bool { return children(t, cmd.Process.Pid) == 1 })

	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e.until("the daemon has reloaded", func() bool { return strings.Contains(e.read("log"), "reloaded") })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the daemon ended with %v\n%s", err, e.read("log"))
	}
}

// children counts the children of a process, zombies included.
func children(t *testing.T, parent int) int {
	t.Helper()
	n := 0
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// Its name stands in parentheses and may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[1] == strconv.Itoa(parent) {
			n++
		}
	}
	return n
}
