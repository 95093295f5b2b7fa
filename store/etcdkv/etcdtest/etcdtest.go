// Package etcdtest starts real etcd servers for tests.
package etcdtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Binary returns an etcd server: what the environment names by
// WEBEX_TOKEND_ETCD, else the one on PATH. A test without one is skipped, in CI
// it fails.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath(cmpEnv("WEBEX_TOKEND_ETCD", "etcd"))
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("there is no etcd server: install Debian's etcd-server, or name one by WEBEX_TOKEND_ETCD")
	}
	return path
}

func cmpEnv(key, otherwise string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return otherwise
}

// A Server is one member of a cluster of etcd.
type Server struct {
	URL  string
	name string
	bin  string
	dir  string
	args []string
	cmd  *exec.Cmd
}

// Start runs a cluster of one until the test ends. args are added to its own.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return Cluster(t, 1, args...)[0]
}

// Cluster runs a cluster of n members until the test ends.
func Cluster(t testing.TB, n int, args ...string) []*Server {
	t.Helper()
	bin := Binary(t)
	list := make([]*Server, n)
	var initial []string
	peers := make([]string, n)
	for i := range list {
		peers[i] = "http://" + Free(t)
		list[i] = &Server{URL: "http://" + Free(t), name: fmt.Sprintf("m%d", i), bin: bin, dir: filepath.Join(t.TempDir(), "etcd")}
		initial = append(initial, list[i].name+"="+peers[i])
	}
	for i, s := range list {
		s.args = append([]string{"--name", s.name, "--data-dir", s.dir, "--log-level", "error", "--logger", "zap",
			"--listen-client-urls", s.URL, "--advertise-client-urls", s.URL,
			"--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i],
			"--initial-cluster", strings.Join(initial, ","), "--initial-cluster-state", "new",
			"--heartbeat-interval", "100", "--election-timeout", "1000"}, args...)
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Kill)
	}
	for _, s := range list {
		s.Await(t)
	}
	return list
}

func (s *Server) start() error {
	s.cmd = exec.Command(s.bin, s.args...)
	return s.cmd.Start()
}

// Kill ends the server without warning.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// Restart starts it again after Kill, with what it had on the disk.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// PID is that of the server's process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Await waits until the server answers.
func (s *Server) Await(t testing.TB) {
	t.Helper()
	c := s.Client(t)
	for deadline := time.Now().Add(30 * time.Second); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := c.Get(ctx, "there?")
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Client returns a plain client of the server, for looking behind the scenes.
func (s *Server) Client(t testing.TB) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.URL}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Free returns an address of this machine that nobody listens on.
func Free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var prefixes atomic.Int64

// Prefix returns one that no other test of this process uses.
func Prefix() string { return fmt.Sprintf("test-%d/", prefixes.Add(1)) }
