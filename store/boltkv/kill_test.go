package boltkv

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"webex-tokend/store"
)

const killedWriters = 16

// writeUntilKilled counts up in one row for each writer and prints every count
// that was acknowledged; early prints it before, which is the fault that the
// test must be able to see.
func writeUntilKilled(path string, early bool) error {
	kv, err := Open(Config{Path: path})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for w := range killedWriters {
		wg.Go(func() {
			for n := 1; ; n++ {
				name := fmt.Sprintf("w%d", w)
				if early {
					fmt.Printf("%s %d\n", name, n)
				}
				value := fmt.Appendf(nil, "%d %s", n, strings.Repeat("x", 1000))
				_, err := kv.Swap(context.Background(), store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: value}})
				if err != nil {
					return
				}
				if !early {
					fmt.Printf("%s %d\n", name, n)
				}
			}
		})
	}
	wg.Wait()
	return kv.Close()
}

func TestKillingTheProcessLosesNothingThatWasAcknowledged(t *testing.T) {
	for round := range 5 {
		if lost := lostByKill(t, "write", 100+round*150); len(lost) > 0 {
			t.Errorf("round %d: %s", round, strings.Join(lost, "; "))
		}
	}
}

func TestTheKillFindsAStoreThatAcknowledgesEarly(t *testing.T) {
	for range 20 {
		if lost := lostByKill(t, "write, acknowledging early", 200); len(lost) > 0 {
			return
		}
	}
	t.Error("nothing was ever lost: the harness proves nothing")
}

// lostByKill kills a writing process after that many acknowledgements and
// compares the store with all that it had acknowledged by then. The record of
// acknowledgements is here, outside the process.
func lostByKill(t *testing.T, role string, after int) (lost []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	writer := startChild(t, role, path)
	acknowledged := make(map[string]int)
	seen := 0
	for s := bufio.NewScanner(writer.out); s.Scan(); {
		var name string
		var n int
		// The last line may be cut by the kill; what it began is not counted.
		if _, err := fmt.Sscanf(s.Text()+" .", "%s %d .", &name, &n); err != nil {
			continue
		}
		acknowledged[name] = max(acknowledged[name], n)
		if seen++; seen == after {
			writer.kill()
		}
	}
	writer.wait()
	if seen < after {
		t.Fatalf("the writer ended early: %s", writer.errors.String())
	}
	kv := openFor(t, path)
	defer kv.Close()
	for name, n := range acknowledged {
		stored := 0
		if r, err := kv.Get(t.Context(), name); err == nil {
			fmt.Sscan(string(r.Value), &stored)
		}
		if stored < n {
			lost = append(lost, fmt.Sprintf("%s: %d acknowledged, %d stored", name, n, stored))
		}
	}
	return lost
}
