package boltkv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/store"
)

// BenchmarkKV measures one store of 100,000 rows of 1.4 KB; for a million:
//
//	WEBEX_TOKEND_ROWS=1000000 go test -run '^$' -bench KV -timeout 1h ./store/boltkv
//
// Beside each Swap stands the bare primitive with the same number of writers:
// the same bytes appended to a plain file in groups, one fsync for each group.
// Grants are refreshed in the order in which they fall due, as the sweep does;
// their names have nothing to do with that order.
func BenchmarkKV(b *testing.B) {
	rows := 100_000
	if text := os.Getenv("WEBEX_TOKEND_ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		rows = n
	}
	cfg := Config{Path: filepath.Join(b.TempDir(), "store.db")}
	f := newFleet(rows)
	f.load(b, cfg)
	kv := reopened(b, cfg)
	defer func() { kv.Close() }()

	for _, writers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("Swap/%d", writers), func(b *testing.B) {
			spread(b, writers, func() error { return swapNext(kv, f.next()) })
		})
		b.Run(fmt.Sprintf("append+fsync/%d", writers), func(b *testing.B) {
			log := newAppendLog(b)
			defer log.close()
			spread(b, writers, func() error { log.append(make([]byte, rowSize)); return nil })
		})
	}
	b.Run("intent and record/256", func(b *testing.B) {
		spread(b, 256, func() error {
			record := f.next()
			intent := store.Change{Name: record.Name, Expect: store.Any,
				Marks: []store.Mark{{Index: store.OpenIndex, Value: make([]byte, 24)}}}
			return errors.Join(swapNext(kv, intent), swapNext(kv, record))
		})
	})
	b.Run("durable at 240 refreshes a second", func(b *testing.B) {
		for b.Loop() {
			paced(b, kv, f, 240, 10*time.Second)
		}
	})
	b.Run("Get", func(b *testing.B) {
		for b.Loop() {
			if _, err := kv.Get(context.Background(), rowName(rand.IntN(rows))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Range/50", func(b *testing.B) {
		for b.Loop() {
			list, err := kv.Range(context.Background(), store.Query{Index: store.AttentionIndex, Group: "crm/ok", Limit: 50})
			if err != nil || len(list) != 50 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			kv.Close()
			kv = reopened(b, cfg)
		}
	})
	b.Run("Open and count", func(b *testing.B) {
		for b.Loop() {
			kv.Close()
			kv = reopened(b, cfg)
			for complete := false; !complete; time.Sleep(time.Millisecond) {
				_, complete, _ = kv.Count(context.Background(), store.DueIndex, "crm")
			}
		}
	})
}

const rowSize = 1400

// A fleet of grants falls due evenly over a week, again and again.
type fleet struct {
	order []int // of names, by due time
	turn  atomic.Int64
}

func newFleet(rows int) *fleet { return &fleet{order: rand.Perm(rows)} }

func rowName(i int) string { return fmt.Sprintf("tenant-%07d", i) }

// next is the record of the grant that is due, due again when all others were.
func (f *fleet) next() store.Change {
	const week = 7 * 86400_000
	turn := int(f.turn.Add(1)) - 1
	name := rowName(f.order[turn%len(f.order)])
	at := uint64(1_800_000_000_000 + turn*week/len(f.order))
	return store.Change{Name: name, Expect: store.Any,
		Write: &store.Write{Value: make([]byte, rowSize), Entries: []store.Entry{
			{Index: store.DueIndex, Group: "crm", Rank: at, Name: name, Value: make([]byte, 8)},
			{Index: store.AttentionIndex, Group: "crm/ok", Rank: at + 12*week, Name: name},
		}},
		Marks: []store.Mark{{Index: store.OpenIndex}, {Index: store.UnpublishedIndex, Value: []byte{1}}}}
}

func swapNext(kv *KV, c store.Change) error {
	_, err := kv.Swap(context.Background(), c)
	return err
}

// load writes the whole fleet in large transactions, past the queue.
func (f *fleet) load(b *testing.B, cfg Config) {
	if err := reopened(b, cfg).Close(); err != nil {
		b.Fatal(err)
	}
	db, err := openOrCreate(cfg, hclog.NewNullLogger())
	if err != nil {
		b.Fatal(err)
	}
	defer db.close(store.ErrClosed)
	for rest := len(f.order); rest > 0; {
		t, err := begin(db.db)
		if err != nil {
			b.Fatal(err)
		}
		var group []*operation
		for range min(rest, 10_000) {
			c := f.next()
			c.Marks = nil
			group = append(group, &operation{apply: func(t *transaction) (store.Revision, error) { return t.swap(c) }})
		}
		if err := errors.Join(t.apply(group), t.tx.Commit()); err != nil {
			b.Fatal(err)
		}
		rest -= len(group)
	}
}

func reopened(b *testing.B, cfg Config) *KV {
	kv, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return kv
}

// spread runs b.N calls on that many goroutines and reports their latency.
func spread(b *testing.B, writers int, call func() error) {
	var next atomic.Int64
	took := make([][]time.Duration, writers)
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				start := time.Now()
				if err := call(); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "calls/s")
}

// paced lets refreshes come at their own pace, however long one takes, and
// reports how long an answer takes to become durable. The bound is a p99 of
// 100 ms on a million rows.
func paced(b *testing.B, kv *KV, f *fleet, perSecond int, during time.Duration) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	took := make([]time.Duration, perSecond*int(during/time.Second))
	var wg sync.WaitGroup
	for i := range took {
		<-tick.C
		wg.Go(func() {
			record := f.next()
			intent := store.Change{Name: record.Name, Expect: store.Any,
				Marks: []store.Mark{{Index: store.OpenIndex, Value: make([]byte, 24)}}}
			if err := swapNext(kv, intent); err != nil {
				b.Error(err)
			}
			answered := time.Now()
			if err := swapNext(kv, record); err != nil {
				b.Error(err)
			}
			took[i] = time.Since(answered)
		})
	}
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// An appendLog is the least that durable group commit can cost.
type appendLog struct {
	file  *os.File
	queue chan appended
	done  chan struct{}
}

type appended struct {
	value   []byte
	durable chan struct{}
}

func newAppendLog(b *testing.B) *appendLog {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	l := &appendLog{f, make(chan appended, maxGroup), make(chan struct{})}
	go func() {
		defer close(l.done)
		for first := range l.queue {
			group := []appended{first}
			for len(l.queue) > 0 {
				group = append(group, <-l.queue)
			}
			var values []byte
			for _, a := range group {
				values = append(values, a.value...)
			}
			if _, err := f.Write(values); err != nil {
				b.Error(err)
			}
			if err := f.Sync(); err != nil {
				b.Error(err)
			}
			for _, a := range group {
				close(a.durable)
			}
		}
	}()
	return l
}

func (l *appendLog) append(value []byte) {
	a := appended{value, make(chan struct{})}
	l.queue <- a
	<-a.durable
}

func (l *appendLog) close() {
	close(l.queue)
	<-l.done
	l.file.Close()
}
