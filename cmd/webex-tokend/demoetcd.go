package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/store/etcdkv"
)

const (
	demoEtcds  = 3
	demoPrefix = "webex-tokend/demo/"
)

// findEtcd returns the etcd server on the PATH.
func findEtcd() (string, error) {
	path, err := exec.LookPath("etcd")
	if err != nil {
		return "", &failure{code: exitFailed, err: errors.New("several hosts share their store over etcd, and no etcd server is on the PATH"),
			hint: "install one: apt install etcd-server, or a release of https://github.com/etcd-io/etcd"}
	}
	return path, nil
}

// etcdServers are the cluster of a demonstration.
type etcdServers struct{ running []*exec.Cmd }

// startEtcd runs a server for each URL, with its data in the folder, and waits until
// they answer.
func startEtcd(ctx context.Context, program, folder string, urls []string) (_ *etcdServers, err error) {
	var peers, cluster []string
	for i := range urls {
		peer, err := vacant()
		if err != nil {
			return nil, err
		}
		peers, cluster = append(peers, peer), append(cluster, fmt.Sprintf("etcd-%d=%s", i+1, peer))
	}
	s := new(etcdServers)
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	for i, url := range urls {
		name := fmt.Sprintf("etcd-%d", i+1)
		log, err := os.OpenFile(filepath.Join(folder, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open log of etcd: %w", err)
		}
		server := exec.Command(program, "--name", name, "--data-dir", filepath.Join(folder, name),
			"--listen-client-urls", url, "--advertise-client-urls", url,
			"--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i],
			"--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", "new",
			"--auto-compaction-retention", "1h", "--logger", "zap")
		server.Stderr = log
		// Ctrl-C is for us: the daemons need etcd until they have stopped.
		server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		err = server.Start()
		_ = log.Close()
		if err != nil {
			return nil, fmt.Errorf("start etcd: %w", err)
		}
		s.running = append(s.running, server)
	}
	if err := s.await(ctx, folder, urls); err != nil {
		return nil, err
	}
	return s, nil
}

// await asks until the cluster answers.
func (s *etcdServers) await(ctx context.Context, folder string, urls []string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	engine, err := etcdkv.Open(etcdkv.Config{Endpoints: urls, Prefix: demoPrefix, Host: "demo"})
	if err != nil {
		return err
	}
	defer engine.Close()
	for {
		err := engine.Try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("etcd does not come up, see its logs in %s: %w", folder, err)
		}
	}
}

// stop ends the servers. Nobody needs what they have.
func (s *etcdServers) stop() {
	for _, server := range s.running {
		_ = server.Process.Kill()
		_ = server.Wait()
	}
}

// await asks until all daemons answer, and one of several is in office.
func (s *stage) await(ctx context.Context) error {
	for _, p := range s.places {
		daemon := client.New(client.Config{Socket: p.socket})
		err := awaitDaemon(ctx, daemon)
		daemon.Close()
		if err != nil {
			return err
		}
	}
	if len(s.places) == 1 {
		return nil
	}
	daemon := client.New(client.Config{Socket: s.places[0].socket})
	defer daemon.Close()
	for {
		found, err := daemon.Hosts(ctx)
		if err != nil {
			return err
		}
		for _, h := range found.Hosts {
			if h.Office && len(found.Hosts) == len(s.places) {
				return nil
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
