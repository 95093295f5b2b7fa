package etcdkv_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/etcdkv/etcdtest"
	"webex-tokend/store/replica"
)

// over opens hosts over a cluster of n members.
func over(b *testing.B, n, hosts int) (list []store.KV) {
	b.Helper()
	var urls []string
	for _, member := range etcdtest.Cluster(b, n) {
		urls = append(urls, member.URL)
	}
	prefix := etcdtest.Prefix()
	for i := range hosts {
		e, err := etcdkv.Open(etcdkv.Config{Endpoints: urls, Prefix: prefix, Host: fmt.Sprint("host-", i)})
		if err != nil {
			b.Fatal(err)
		}
		kv, err := replica.Open(b.Context(), replica.Config{Path: filepath.Join(b.TempDir(), "copy.db"), Engine: e})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = kv.Close() })
		list = append(list, kv)
	}
	return list
}

// BenchmarkRefresh measures what a refresh costs in the store, 64 at once: the claim
// and the commit of a row of 1.4 KB, in a file and in etcd.
func BenchmarkRefresh(b *testing.B) {
	b.Run("bbolt", func(b *testing.B) {
		kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(b.TempDir(), "store.db")})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = kv.Close() })
		refreshes(b, kv)
	})
	for _, members := range []int{1, 3} {
		b.Run(fmt.Sprintf("etcd-%d", members), func(b *testing.B) { refreshes(b, over(b, members, 1)[0]) })
	}
}

func refreshes(b *testing.B, kv store.KV) {
	work := make(chan int)
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() {
			for i := range work {
				if err := refresh(b, kv, fmt.Sprint("grant-", i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	workers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "refreshes/s")
}

func refresh(b *testing.B, kv store.KV, name string) error {
	nonce, value := []byte("a nonce of sixteen bytes"), make([]byte, 1400)
	_, err := kv.Swap(b.Context(), store.Change{Name: name, Expect: store.Absent, Marks: []store.Mark{{Index: store.OpenIndex, Value: nonce, Vacant: true}}})
	if err != nil {
		return err
	}
	_, err = kv.Swap(b.Context(), store.Change{Name: name, Expect: store.Absent,
		Write: &store.Write{Value: value, Entries: []store.Entry{{Index: store.DueIndex, Group: "crm", Rank: 1, Name: name}}},
		Marks: []store.Mark{{Index: store.OpenIndex, If: nonce}}})
	return err
}

// BenchmarkCopyLag measures how long after a change was answered on one host
// another one has it, over three members.
func BenchmarkCopyLag(b *testing.B) {
	hosts := over(b, 3, 2)
	var lags []time.Duration
	for i := range b.N {
		name := fmt.Sprint("grant-", i)
		if err := refresh(b, hosts[0], name); err != nil {
			b.Fatal(err)
		}
		answered := time.Now()
		for {
			if _, err := hosts[1].Get(b.Context(), name); err == nil {
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
		lags = append(lags, time.Since(answered))
	}
	slices.Sort(lags)
	b.ReportMetric(float64(lags[len(lags)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(lags[len(lags)/2].Microseconds())/1000, "ms-median")
}
