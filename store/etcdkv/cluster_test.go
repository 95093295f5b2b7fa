package etcdkv_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/etcdkv/etcdtest"
	"webex-tokend/store/replica"
)

// A contest lets hosts claim the same grants and count in their rows, as refreshes
// do: claim, work, commit. Whatever fails between is cleared up by its nonce.
type contest struct {
	t     *testing.T
	hosts []*replica.KV
	// sessions are of other processes of the same hosts, with the usual deadline.
	sessions []*etcdkv.Session
	holders  [4]atomic.Int32 // of each grant, at this instant
	counted  [4]atomic.Int64 // commits that were answered with nil, or found to stand
	commits  atomic.Int64
	away     atomic.Int64 // changes that etcd did not answer
	twice    atomic.Int64 // claims of a grant that somebody else held
	careful  bool         // claims demand vacancy
	nonces   atomic.Int64
}

// run has all hosts at it until ctx ends.
func (c *contest) run(ctx context.Context) {
	var all sync.WaitGroup
	for host := range c.hosts {
		all.Go(func() {
			for ctx.Err() == nil {
				c.turn(ctx, host, rand.IntN(len(c.holders)))
			}
		})
	}
	all.Wait()
}

// turn tries to count one up in a grant.
func (c *contest) turn(ctx context.Context, host, grant int) {
	kv, name := c.hosts[host], fmt.Sprint("grant-", grant)
	nonce := fmt.Sprintf("%d/%d", host, c.nonces.Add(1))
	row, err := kv.Get(ctx, name)
	expect := row.Revision
	if errors.Is(err, store.ErrNotFound) {
		expect = store.Absent
	}
	_, err = kv.Swap(ctx, store.Change{Name: name, Expect: expect, Marks: []store.Mark{{Index: store.OpenIndex, Value: []byte(nonce), Vacant: c.careful}}})
	if err != nil {
		c.note(err)
		c.clear(ctx, kv, name, host)
		return
	}
	if c.holders[grant].Add(1) > 1 {
		c.twice.Add(1)
	}
	count, _, _ := strings.Cut(string(row.Value), " ")
	n, _ := strconv.ParseInt(count, 10, 64) // an empty row has none
	value := fmt.Sprintf("%d %s", n+1, nonce)
	time.Sleep(time.Millisecond) // the request
	c.holders[grant].Add(-1)     // the commit may stand before it is answered
	for ctx.Err() == nil {
		_, err := kv.Swap(ctx, store.Change{Name: name, Expect: expect, Write: &store.Write{Value: []byte(value)},
			Marks: []store.Mark{{Index: store.OpenIndex, If: []byte(nonce)}}})
		if err != nil {
			c.note(err)
		}
		if err == nil || c.stands(ctx, kv, name, value, nonce) {
			c.counted[grant].Add(1)
			c.commits.Add(1)
			return
		}
		if !c.careful && errors.Is(err, store.ErrConflict) {
			return // somebody else's claim took the place of ours
		}
	}
}

// stands waits until the copy shows whether a commit without an answer was made:
// its row is there, or its claim still is.
func (c *contest) stands(ctx context.Context, kv *replica.KV, name, value, nonce string) bool {
	for ctx.Err() == nil {
		if row, err := kv.Get(ctx, name); err == nil && string(row.Value) == value {
			return true
		}
		if mark, err := kv.Mark(ctx, store.OpenIndex, name); err == nil && string(mark) == nonce || !c.careful {
			return false
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// clear removes a claim of this host whose answer was lost.
func (c *contest) clear(ctx context.Context, kv *replica.KV, name string, host int) {
	mark, err := kv.Mark(ctx, store.OpenIndex, name)
	if err == nil && strings.HasPrefix(string(mark), fmt.Sprint(host, "/")) {
		_, err := kv.Swap(ctx, store.Change{Name: name, Expect: store.Any, Marks: []store.Mark{{Index: store.OpenIndex, If: mark}}})
		c.note(err)
	}
	time.Sleep(time.Millisecond)
}

func (c *contest) note(err error) {
	switch {
	case err == nil, errors.Is(err, store.ErrConflict), errors.Is(err, context.Canceled):
	case errors.Is(err, store.ErrAway):
		c.away.Add(1)
	default:
		c.t.Errorf("a change says %v", err)
	}
}

// more waits until so many more commits were made.
func (c *contest) more(n int64) {
	c.t.Helper()
	c.await("no commits", &c.commits, n)
}

func (c *contest) await(what string, count *atomic.Int64, n int64) {
	c.t.Helper()
	until := count.Load() + n
	for end := time.Now().Add(2 * time.Minute); count.Load() < until; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal(what)
		}
	}
}

// begin opens three hosts over a cluster of n members.
func begin(t *testing.T, n int, careful bool) (*contest, []*etcdtest.Server) {
	members, prefix := etcdtest.Cluster(t, n, "--heartbeat-interval", "50", "--election-timeout", "500"), etcdtest.Prefix()
	var urls []string
	for _, m := range members {
		urls = append(urls, m.URL)
	}
	c := &contest{t: t, careful: careful}
	for _, name := range []string{"a", "b", "c"} {
		e, err := etcdkv.Open(etcdkv.Config{Endpoints: urls, Prefix: prefix, Host: name, Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		kv, err := replica.Open(t.Context(), replica.Config{Path: filepath.Join(t.TempDir(), "copy.db"), Engine: e})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := kv.Close(); err != nil {
				t.Error(err)
			}
		})
		c.hosts = append(c.hosts, kv)
		beside, err := etcdkv.Open(etcdkv.Config{Endpoints: urls, Prefix: prefix, Host: name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = beside.Close() })
		s, err := beside.Join(t.Context(), 10*time.Minute, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.sessions = append(c.sessions, s)
	}
	return c, members
}

// stop lets the leader stand still for a while. Sessions outlive it: of a member
// that answers nothing another one is asked.
func (c *contest) stop(frozen *etcdtest.Server) {
	t := c.t
	if err := syscall.Kill(frozen.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.more(20)
	for i, session := range c.sessions {
		for range 3 {
			if err := session.Keep(t.Context()); err != nil {
				t.Errorf("while a member stands still the session of host %d says %v", i, err)
			}
		}
	}
	if err := syscall.Kill(frozen.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	frozen.Await(t)
}

// rounds is how many times a leader stands still and a quorum is lost, which takes
// a quarter of a minute each.
func rounds(t *testing.T) int {
	text := os.Getenv("WEBEX_TOKEND_ETCD_ROUNDS")
	switch {
	case text == "" && os.Getenv("CI") == "true":
		return 1
	case text == "":
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// leader is the number of the member that leads.
func leader(t *testing.T, members []*etcdtest.Server) (found int) {
	eventually(t, "etcd has no leader", func() bool {
		for i, m := range members {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			status, err := m.Client(t).Status(ctx, m.URL)
			cancel()
			if err == nil && status.Leader == status.Header.MemberId {
				found = i
				return true
			}
		}
		return false
	})
	return found
}

func TestNoChangeIsLostOrMadeTwiceWhileMembersOfEtcdFail(t *testing.T) {
	c, members := begin(t, 3, true)
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.run(ctx) })
	defer func() { end(); running.Wait() }()
	c.more(20)
	lost := members[leader(t, members)]
	lost.Kill()
	c.more(20) // two of three go on
	lost.Restart(t)
	lost.Await(t)
	for range rounds(t) {
		c.stop(members[leader(t, members)])
		// Without a quorum nothing is changed, and everything is read.
		for _, m := range members[:2] {
			m.Kill()
		}
		c.await("a cluster without a quorum answers", &c.away, 3)
		for _, kv := range c.hosts {
			if _, err := kv.List(ctx, "", 10); err != nil {
				t.Errorf("without a quorum a copy says %v", err)
			}
		}
		for _, m := range members[:2] {
			m.Restart(t)
		}
		c.more(20)
	}
	end()
	running.Wait()
	if n := c.twice.Load(); n > 0 {
		t.Errorf("%d claims of a grant that another host held", n)
	}
	c.compare()
	t.Logf("%d commits, %d changes without an answer", c.commits.Load(), c.away.Load())
}

// compare clears up what was under way at the end, and compares rows with what was
// counted.
func (c *contest) compare() {
	eventually(c.t, "the copies differ", func() bool { return same(c.t, c.hosts[0], c.hosts[1]) && same(c.t, c.hosts[0], c.hosts[2]) })
	for grant := range c.counted {
		row, err := c.hosts[0].Get(c.t.Context(), fmt.Sprint("grant-", grant))
		if err != nil {
			c.t.Fatal(err)
		}
		count, _, _ := strings.Cut(string(row.Value), " ")
		n, err := strconv.ParseInt(count, 10, 64)
		// Of each host the last commit may stand although nobody waited for its answer.
		if known := c.counted[grant].Load(); err != nil || n < known || n > known+int64(len(c.hosts)) {
			c.t.Errorf("grant %d counts %s, and %d commits were made", grant, count, known)
		}
	}
}

// The contest notices hosts that do not ask whether a grant is claimed.
func TestAContestWithoutVacancyIsNoticed(t *testing.T) {
	c, _ := begin(t, 1, false)
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	c.runUntil(ctx, func() bool { return c.twice.Load() > 0 })
	if c.twice.Load() == 0 {
		t.Error("nothing was noticed")
	}
}

func (c *contest) runUntil(ctx context.Context, noticed func() bool) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		for ctx.Err() == nil && !noticed() {
			time.Sleep(time.Millisecond)
		}
		end()
	}()
	c.run(ctx)
}
