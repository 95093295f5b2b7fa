package seal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

const roleVariable = "WEBEX_TOKEND_TEST_ROLE"

// TestMain lets the test binary play the process that is killed.
func TestMain(m *testing.M) {
	var err error
	switch args := os.Args[1:]; os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "rotate":
		err = rotateAsChild(args[0], args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// diesAt runs a role in a child process and kills it that long after its first
// line, unless it has ended by then.
func diesAt(t *testing.T, after time.Duration, role string, args ...string) (ended bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], args...)
	child.Env = append(os.Environ(), roleVariable+"="+role)
	var said bytes.Buffer
	child.Stderr = &said
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the child said nothing: %s", said.String())
	}
	kill := time.AfterFunc(after, func() { _ = child.Process.Kill() })
	defer kill.Stop()
	err = child.Wait()
	if err != nil && child.ProcessState.Exited() {
		t.Fatalf("the child failed: %s", said.String())
	}
	return err == nil
}

func configOf(path string) boltkv.Config { return boltkv.Config{Path: path} }

func keyOf(path string) (seal.Key, error) {
	key, _, err := seal.ReadKey(path)
	return key, err
}

// sealedStore makes a sealed store in a file, and its key file.
func sealedStore(t *testing.T, grants int) (path, keyFile string, prints map[string]store.Fingerprint) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	keyFile = filepath.Join(filepath.Dir(path), "store.key")
	if err := seal.WriteKey(keyFile, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	h, _, err := openFile(t.Context(), path, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	prints = make(map[string]store.Fingerprint)
	fill(t, h, grants)
	for i := range grants {
		name := nameOf(i)
		prints[name] = h.Fingerprint(store.NewSecret(name))
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return path, keyFile, prints
}

func nameOf(i int) string { return fmt.Sprintf("grant-%05d", i) }

// fill puts grants side by side, so that they share commits.
func fill(t *testing.T, h *host, grants int) {
	t.Helper()
	failed := make(chan error, grants)
	for i := range grants {
		go func() {
			name := nameOf(i)
			r := &store.Record{Name: name, Integration: "crm", DueAt: time.UnixMilli(int64(i + 1)).UTC(),
				Refresh: store.RefreshToken{Value: store.NewSecret("canary refresh " + name)}}
			revision, err := h.Put(t.Context(), store.Update{Record: r, Expect: store.Any, Unpublished: i%3 == 0})
			if err == nil && i%5 == 0 {
				_, err = h.Claim(t.Context(), name, revision, store.Intent{Attempt: 7}, nil)
			}
			failed <- err
		}()
	}
	for range grants {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

// openFile opens a sealed store in a file.
func openFile(ctx context.Context, path, keyFile string) (*host, *boltkv.KV, error) {
	key, err := keyOf(keyFile)
	if err != nil {
		return nil, nil, err
	}
	kv, err := boltkv.Open(configOf(path))
	if err != nil {
		return nil, nil, err
	}
	h := &host{key: key}
	if h.ring, err = seal.Open(ctx, kv, key); err == nil {
		h.Store, err = store.Open(ctx, kv, store.Config{Seal: h.ring})
	}
	if err != nil {
		kv.Close()
		return nil, nil, err
	}
	return h, kv, nil
}

// complete compares a store with what fill and sealedStore put into it.
func complete(t *testing.T, h *host, kv *boltkv.KV, grants int, prints map[string]store.Fingerprint) {
	t.Helper()
	for i := range grants {
		if name := nameOf(i); !h.opens(t.Context(), name) {
			t.Fatalf("%s does not open", name)
		} else if prints != nil && h.Fingerprint(store.NewSecret(name)) != prints[name] {
			t.Fatal("the key of the fingerprints is another one")
		}
	}
	due, err := h.Due(t.Context(), "crm", time.Now(), nil, grants+1)
	if err != nil || len(due) != grants {
		t.Errorf("%d are due, and %v", len(due), err)
	}
	open, err := h.Intents(t.Context(), "", grants)
	if err != nil || len(open) != (grants+4)/5 || open[0].Attempt != 7 {
		t.Errorf("%d intents, and %v", len(open), err)
	}
	behind, err := h.Unpublished(t.Context(), "", grants)
	if err != nil || len(behind) != (grants+2)/3 {
		t.Errorf("%d unpublished, and %v", len(behind), err)
	}
	if _, err := kv.Check(t.Context(), func(fault string) bool { t.Error(fault); return true }); err != nil {
		t.Error(err)
	}
}
