package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/boottime"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/office"
	"webex-tokend/daemon/outcome"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/vault"
	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
	"webex-tokend/store/replica"
)

// A cluster tracks the other hosts that share the store.
type cluster struct {
	d      *daemon
	engine *etcdkv.Engine
	copy   *replica.KV
	office *office.Office
	began  time.Time

	mu       sync.Mutex
	presence etcdkv.Presence
	looked   time.Duration // by the boot clock, when presence was read
	lost     error         // why it was not since; nil: it was
	unusable error         // etcd answers, and is too old; nil: it is not
	vacant   time.Duration // by the boot clock, since when nobody is in office; 0: somebody is
	room     etcdkv.Room
	seen     map[store.Nonce]time.Duration

	term       time.Duration // by the boot clock, since when this host is in office, or was last
	complaints office.Complaints
}

// A member describes a process to the others.
type member struct {
	Since   time.Time `json:"since"`
	Build   string    `json:"build"`
	Rules   string    `json:"rules"`
	Key     uint32    `json:"key"`
	Clock   time.Time `json:"clock"`
	Lag     float64   `json:"lag"`
	Failing int       `json:"failing"`
	// Complaints are what kept it from refreshing, see office.Complaints.
	Complaints []string `json:"complaints,omitempty"`
}

// open opens the copy of a store that hosts share.
func (x *cluster) open(ctx context.Context, c *config.Config) (err error) {
	s, d := c.Seal.Shared, x.d
	log := d.log.Named("store")
	x.engine, err = etcdkv.Open(EtcdConfig(s, log))
	if err != nil {
		return fmt.Errorf("open shared store: %w", err)
	}
	path := filepath.Join(c.StateDir, CopyFile)
	d.vault, err = vault.Open(ctx, vault.Config{
		Folder:  c.StateDir,
		Store:   path,
		Shared:  true,
		Renewed: x.awaitKey,
		KeyFile: func() string { return d.current.Load().Seal.KeyFile },
		Open: func() (vault.Backend, error) {
			x.copy, err = replica.Open(ctx, replica.Config{Path: path, Engine: x.engine, Log: log, Progress: func(rows int) {
				d.notify.starting(fmt.Sprintf("Copying the store, %d grants so far.", rows))
			}})
			return x.copy, err
		},
		Log: log,
	})
	if err != nil {
		return errors.Join(err, x.engine.Close())
	}
	x.office = office.New(office.Config{Join: x.join, About: x.about, Act: x.act, Unfit: x.unfit, Log: d.log.Named("office")})
	return nil
}

// EtcdConfig is how a configuration says to reach etcd.
func EtcdConfig(s *config.Shared, log hclog.Logger) etcdkv.Config {
	return etcdkv.Config{Endpoints: s.Endpoints, Prefix: s.Prefix, Host: s.Host, CAFile: s.CAFile, CertFile: s.CertFile,
		KeyFile: s.KeyFile, Username: s.Username, PasswordFile: s.PasswordFile, Log: log}
}

// CopyFile is the name of the copy in state_dir. It is another one than that of
// the store of a single host, so that neither is ever taken for the other.
const CopyFile = "copy.db"

// hosts is what refreshes need to know of the others.
func (x *cluster) hosts() refresh.Hosts {
	if x == nil {
		return refresh.Hosts{}
	}
	return refresh.Hosts{Member: x.engine.Member(), Foreign: x.foreign, MayAct: x.office.MayAct, Wish: x.wish}
}

// follow lets everybody know here of what other hosts write.
func (x *cluster) follow() {
	if x == nil {
		return
	}
	x.copy.Follow(func(was, is store.Row) { x.d.fleet.Follow(is.Name, x.record(was), x.record(is)) })
}

// start takes part in the office.
func (x *cluster) start() {
	x.d.tasks.Go(func() { x.office.Run(x.d.watching) })
	x.d.tasks.Go(func() { x.look(x.d.watching) })
	x.d.tasks.Go(func() { x.alert(x.d.watching) })
}

func (x *cluster) record(row store.Row) *store.Record {
	if row.Value == nil {
		return nil
	}
	stored, err := x.d.vault.Store().OpenRow(row)
	if err != nil {
		return nil
	}
	return stored.Record
}

// join registers this process, once no answer of its last run waits on the disk:
// that it is back lets others take its intents over.
func (x *cluster) join(ctx context.Context, life time.Duration, about []byte) (office.Session, error) {
	if held := x.d.fleet.Trust.Held(); len(held) > 0 {
		return nil, fmt.Errorf("answers of the last run are not stored yet, of %s first", held[0])
	}
	return x.engine.Join(ctx, life, about)
}

func (x *cluster) about() []byte {
	c := x.d.current.Load()
	m := member{Since: x.began.Truncate(time.Second), Build: version(), Rules: rulesHash(c), Key: x.d.vault.Epoch(), Clock: time.Now().UTC()}
	if since, why := x.copy.Lag(); why != nil {
		m.Lag = time.Since(since).Seconds()
	}
	m.Failing = len(x.d.publisher.Failing())
	m.Complaints = x.complains()
	b, err := json.Marshal(m)
	if err != nil {
		return nil // numbers and texts
	}
	return b
}

// act is what only the host in office does. The store comes first: nothing is
// sent while it may be an older copy.
func (x *cluster) act(ctx context.Context) {
	d := x.d
	x.begin()
	for {
		err := errors.Join(x.claimRules(ctx), d.settle(ctx))
		if err == nil {
			if err = d.fleet.TakeOffice(ctx); err == nil {
				break
			}
			d.fleet.LeaveOffice()
		}
		d.log.Error("in office, and nothing begins", "error", err)
		if !duration.Wait(ctx, 5*time.Second) {
			return
		}
	}
	defer d.fleet.LeaveOffice()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { d.auditStore(ctx) })
	beside.Go(func() {
		for duration.Wait(ctx, time.Second) {
			err := x.engine.Wishes(ctx, x.grant)
			if err != nil && ctx.Err() == nil {
				d.log.Debug("wishes of other hosts not heard", "error", err)
			}
		}
	})
	d.vault.ResumeRotation(d.watching)
	for duration.Wait(ctx, 5*time.Second) {
		x.lookForComplaints()
		if err := d.fleet.Sweeper.TakeOver(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("open refreshes of other hosts not looked at", "error", err)
		}
	}
}

const orderedWish = "ordered"

func (x *cluster) wish(ctx context.Context, grant string, ordered bool) error {
	text := "demanded"
	if ordered {
		text = orderedWish
	}
	return x.engine.Wish(ctx, grant, []byte(text))
}

func (x *cluster) grant(grant string, wish []byte) {
	x.d.fleet.Refresher.Wished(grant, string(wish) == orderedWish)
}

// look keeps in mind who is there, and what others made of keys and anchor.
func (x *cluster) look(ctx context.Context) {
	for round := 0; ; round++ {
		p, err := x.engine.Present(ctx)
		if round%15 == 0 {
			x.lookAtRoom(ctx)
		}
		x.mu.Lock()
		if x.lost = err; err == nil {
			x.presence, x.looked = p, boottime.Now()
			switch {
			case p.Lead != "":
				x.vacant = 0
			case x.vacant == 0:
				x.vacant = x.looked
			}
		}
		x.mu.Unlock()
		if err := x.d.vault.Follow(ctx); err != nil && ctx.Err() == nil {
			x.d.log.Error("keys and anchor do not follow the other hosts", "error", err)
		}
		if !duration.Wait(ctx, 2*time.Second) {
			return
		}
	}
}

// lookAtRoom keeps in mind how full etcd is, as far as it says.
func (x *cluster) lookAtRoom(ctx context.Context) {
	room, err := x.engine.Room(ctx)
	_, tooOld := errors.AsType[*etcdkv.TooOldError](err)
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case tooOld:
		x.unusable = err
	case err == nil:
		x.room, x.unusable = room, nil
	}
}

// present is who was there a moment ago; false: that is not known.
func (x *cluster) present() (etcdkv.Presence, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.presence, x.looked != 0 && boottime.Now()-x.looked < 10*time.Second
}

// rememberedIntents bounds the memory of when other hosts' intents were first seen.
const rememberedIntents = 1 << 16

// foreign reports whether an open intent may be in the hands of another process,
// and remembers since when it has been.
func (x *cluster) foreign(i store.OpenIntent) bool {
	if i.Owner == x.engine.Member() || i.Owner == "" {
		return false
	}
	p, known := x.present()
	if !known {
		return true
	}
	_, there := p.Members[i.Owner]
	if office.HostOf(i.Owner) == x.d.current.Load().Seal.Shared.Host {
		return there // until the lease of the last process here has run out
	}
	x.mu.Lock()
	since, seen := x.seen[i.Nonce]
	if !seen {
		if len(x.seen) >= rememberedIntents {
			clear(x.seen) // most have been closed long ago; the others wait anew
		}
		since = boottime.Now()
		x.seen[i.Nonce] = since
	}
	x.mu.Unlock()
	members := office.Members{Present: make(map[string]bool), Forgotten: func(host string) bool { _, known := p.Hosts[host]; return !known }}
	for m := range p.Members {
		members.Present[m] = true
	}
	claim := office.Claim{Owner: i.Owner, Seen: since, Rotates: true}
	if stored, err := x.d.vault.Store().Get(x.d.watching, i.Name); err == nil {
		claim.IssuedAt, claim.ExpiresAt = stored.Token.IssuedAt, stored.Token.ExpiresAt
		if in, _, ok := x.d.current.Load().Rules(i.Name); ok {
			claim.Rotates = in.Rotates || outcome.Rotated(stored.Record)
		}
	}
	if !office.MayTake(claim, members, boottime.Now(), time.Now()) {
		return true
	}
	x.mu.Lock()
	delete(x.seen, i.Nonce)
	x.mu.Unlock()
	x.d.log.Warn("taking over the refresh of a host that has gone", "grant", i.Name, "host", office.HostOf(i.Owner))
	return false
}

// unfit says why another host is to be in office: it is there, and has the rules
// that the fleet goes by, or may refresh what this one cannot.
func (x *cluster) unfit() string {
	if why := x.misruled(); why != "" {
		return why
	}
	return x.outdone()
}

func (x *cluster) misruled() string {
	blob, err := x.d.vault.Store().Blob(x.d.watching, rulesBlob)
	if err != nil {
		return ""
	}
	var fleet fleetRules
	if json.Unmarshal(blob.Value, &fleet) != nil || fleet.Hash == rulesHash(x.d.current.Load()) {
		return ""
	}
	p, known := x.present()
	if !known {
		return "who else is there is not known"
	}
	if len(x.alike(p, fleet.Hash)) > 0 {
		return "the rules of this host are not those of the fleet"
	}
	return ""
}

// alike are the other processes that go by the same rules.
func (x *cluster) alike(p etcdkv.Presence, rules string) (list []member) {
	for name, text := range p.Members {
		var m member
		if name != x.engine.Member() && json.Unmarshal(text, &m) == nil && m.Rules == rules {
			list = append(list, m)
		}
	}
	return list
}

// awaitKey waits until every host that was not forgotten is there and seals by
// the key.
func (x *cluster) awaitKey(ctx context.Context, key uint32) error {
	for told := ""; ; {
		p, known := x.present()
		var behind []string
		for host := range p.Hosts {
			there := false
			for name, text := range p.Members {
				var m member
				there = there || office.HostOf(name) == host && json.Unmarshal(text, &m) == nil && m.Key == key
			}
			if !there {
				behind = append(behind, host)
			}
		}
		if known && len(behind) == 0 {
			return nil
		}
		slices.Sort(behind)
		if text := strings.Join(behind, ", "); text != told && known {
			told = text
			x.d.log.Info("the old keys stay until all hosts seal by the new one, or are forgotten", "missing", text)
		}
		if !duration.Wait(ctx, time.Second) {
			return ctx.Err()
		}
	}
}
