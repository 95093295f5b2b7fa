package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"webex-tokend/daemon/api"
	"webex-tokend/daemon/boottime"
	"webex-tokend/daemon/office"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// yieldFor is how long a host that handed over leaves the office to others.
const yieldFor = 5 * time.Minute

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// others is what the API is told of other hosts.
func (x *cluster) others() api.Hosts {
	if x == nil {
		return nil
	}
	return x
}

// Hosts lists those that share the store as they were a moment ago, in the order
// of their names. Its error says what is wrong with all of them.
func (x *cluster) Hosts() (wire.Hosts, error) {
	list := wire.Hosts{Hosts: []wire.Host{}}
	p, _ := x.present()
	var lead member
	_ = json.Unmarshal(p.Members[p.Lead], &lead)
	for name, seen := range p.Hosts {
		list.Hosts = append(list.Hosts, wire.Host{Name: name, LastSeenAt: seen})
	}
	now := time.Now().UTC()
	for id, text := range p.Members {
		var m member
		if json.Unmarshal(text, &m) != nil {
			continue
		}
		h := wire.Host{Name: office.HostOf(id), Office: id == p.Lead, Since: &m.Since, Build: m.Build, Rules: "same", CopyLagSeconds: m.Lag,
			OutputsFailing: m.Failing, LastSeenAt: now.Truncate(time.Second)}
		if p.Lead != "" && m.Rules != lead.Rules {
			h.Rules = "other"
		}
		// A sign is up to some seconds old, and says no more than that.
		if skew := m.Clock.Sub(now); skew.Abs() > 10*time.Second {
			h.ClockSkewSeconds = skew.Round(time.Second).Seconds()
		}
		if len(m.Complaints) > 0 && !h.Office {
			h.Complaint = m.Complaints[0]
		}
		list.Hosts = slices.DeleteFunc(list.Hosts, func(o wire.Host) bool { return o.Name == h.Name && o.Since == nil })
		list.Hosts = append(list.Hosts, h)
	}
	slices.SortFunc(list.Hosts, func(a, b wire.Host) int { return cmp.Compare(a.Name, b.Name) })
	if fault, _ := x.fault(); fault != "" {
		return list, &refusal.Error{Kind: refusal.Unavailable, Detail: fault, RetryAfter: 5 * time.Second}
	}
	return list, nil
}

// vacantFor is how long nobody may be in office before people hear of it.
const vacantFor = time.Minute

// nearlyFull is the part of its quota from which on the history of etcd should not
// be left alone: its compaction does not keep up, or the quota is too small.
const nearlyFull = 0.6

// fault is what is wrong with all hosts, so that nothing is refreshed, and warning
// what may soon come to that; empty: nothing.
func (x *cluster) fault() (fault, warning string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := boottime.Now()
	if x.room.Quota > 0 && float64(x.room.InUse) >= nearlyFull*float64(x.room.Quota) {
		warning = fmt.Sprintf("etcd uses %d %% of its quota: see --auto-compaction-retention and --quota-backend-bytes of its members", 100*x.room.InUse/x.room.Quota)
	}
	switch {
	case x.lost != nil && now-x.looked > 10*time.Second:
		fault = x.lost.Error()
	case x.unusable != nil:
		fault = x.unusable.Error()
	case x.room.Full:
		fault = store.ErrFull.Error() + ": etcd has used up its quota: compact and defragment it, raise --quota-backend-bytes, then: etcdctl alarm disarm"
	case x.vacant != 0 && now-x.vacant > vacantFor:
		fault = "no host has been in office for " + (now - x.vacant).Round(time.Second).String()
	}
	return fault, warning
}

// fill adds what is known of the hosts.
func (x *cluster) fill(s *wire.Status) {
	if x == nil {
		return
	}
	found, _ := x.Hosts() // whose error is the fault
	s.Hosts = found.Hosts
	s.HostsFault, s.HostsWarning = x.fault()
}

// Yield hands the office over to another host.
func (x *cluster) Yield(ctx context.Context) error {
	p, err := x.engine.Present(ctx)
	if err != nil {
		return &refusal.Error{Kind: refusal.Unavailable, Detail: err.Error(), RetryAfter: 5 * time.Second}
	}
	if len(p.Members) < 2 {
		return &refusal.Error{Kind: refusal.Conflict, Detail: "no other host is there to take over"}
	}
	x.office.Yield("handed over by the operator", yieldFor)
	return nil
}

// Forget says that a host which is away never comes back: what it left open may be
// taken over.
func (x *cluster) Forget(ctx context.Context, name string) error {
	p, err := x.engine.Present(ctx)
	if err != nil {
		return &refusal.Error{Kind: refusal.Unavailable, Detail: err.Error(), RetryAfter: 5 * time.Second}
	}
	if _, known := p.Hosts[name]; !known {
		return &refusal.Error{Kind: refusal.NoSuchGrant, Detail: fmt.Sprintf("no host is called %s", name), Action: "webex-tokend hosts"}
	}
	for id := range p.Members {
		if office.HostOf(id) == name {
			return &refusal.Error{Kind: refusal.Conflict, Detail: fmt.Sprintf("host %s is there: stop its daemon first", name)}
		}
	}
	return x.engine.Forget(ctx, name)
}
