package office

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A town is where at most one process is in office, as etcd sees to it.
type town struct {
	mu      sync.Mutex
	lead    *member
	members map[*member]time.Time // until when their sessions live
}

type member struct {
	town *town
	away atomic.Bool // etcd cannot be reached from here
}

var errAway = errors.New("away")

func (m *member) ask(f func() error) error {
	if m.away.Load() {
		time.Sleep(5 * time.Second)
		return errAway
	}
	m.town.mu.Lock()
	defer m.town.mu.Unlock()
	for other, until := range m.town.members {
		if !time.Now().Before(until) {
			delete(m.town.members, other)
			if m.town.lead == other {
				m.town.lead = nil
			}
		}
	}
	return f()
}

func (m *member) join(_ context.Context, life time.Duration, _ []byte) (Session, error) {
	return m, m.ask(func() error { m.town.members[m] = time.Now().Add(life); return nil })
}

func (m *member) Keep(context.Context) error {
	return m.ask(func() error {
		if m.town.members[m].IsZero() {
			return errors.New("ended")
		}
		m.town.members[m] = time.Now().Add(life)
		return nil
	})
}

func (m *member) Tell(context.Context, []byte) error { return m.ask(func() error { return nil }) }

func (m *member) TakeOffice(context.Context) (in bool, err error) {
	err = m.ask(func() error {
		if m.town.members[m].IsZero() {
			return errors.New("ended")
		}
		if m.town.lead == nil {
			m.town.lead = m
		}
		in = m.town.lead == m
		return nil
	})
	return in, err
}

func (m *member) Resign(context.Context) error {
	return m.ask(func() error {
		if m.town.lead == m {
			m.town.lead = nil
		}
		return nil
	})
}

func (m *member) Leave(context.Context) error {
	return m.ask(func() error { delete(m.town.members, m); return nil })
}

// A place is one host of the town.
type place struct {
	*member
	office *Office
	acts   atomic.Bool
}

func settle(t *testing.T, n int) []*place {
	town := &town{members: make(map[*member]time.Time)}
	start := time.Now()
	var acting atomic.Int32
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { end(); running.Wait() })
	places := make([]*place, n)
	for i := range places {
		p := &place{member: &member{town: town}}
		p.office = New(Config{Join: p.join, Boot: func() time.Duration { return time.Since(start) }, Act: func(ctx context.Context) {
			if acting.Add(1) > 1 {
				t.Errorf("two hosts act at %v", time.Since(start))
			}
			p.acts.Store(true)
			<-ctx.Done()
			p.acts.Store(false)
			acting.Add(-1)
		}})
		places[i] = p
		running.Go(func() { p.office.Run(ctx) })
	}
	return places
}

// inOffice returns who acts.
func inOffice(places []*place) (who []*place) {
	for _, p := range places {
		if p.acts.Load() && p.office.MayAct() {
			who = append(who, p)
		}
	}
	return who
}

func TestOneOfThreeHostsIsInOfficeAndAnotherFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := settle(t, 3)
		time.Sleep(3 * time.Second)
		first := inOffice(places)
		if len(first) != 1 {
			t.Fatalf("%d are in office", len(first))
		}
		first[0].away.Store(true)
		lost := time.Now()
		for len(inOffice(places)) != 1 || inOffice(places)[0] == first[0] {
			if time.Since(lost) > time.Minute {
				t.Fatal("nobody takes over")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(lost); took > 20*time.Second {
			t.Errorf("another host took over after %v", took)
		}
		first[0].away.Store(false)
		time.Sleep(time.Minute)
		if len(inOffice(places)) != 1 {
			t.Errorf("%d are in office once it is back", len(inOffice(places)))
		}
	})
}

func TestAHostThatYieldsIsNotInOfficeAgainForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := settle(t, 2)
		time.Sleep(3 * time.Second)
		first := inOffice(places)[0]
		first.office.Yield("maintenance", 5*time.Minute)
		time.Sleep(4 * time.Second)
		if who := inOffice(places); len(who) != 1 || who[0] == first {
			t.Fatalf("in office are %v", who)
		}
	})
}

func TestAHostInOfficeActsNoLongerThanItsSessionLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := settle(t, 1)
		time.Sleep(3 * time.Second)
		places[0].away.Store(true)
		lost := time.Now()
		for places[0].office.MayAct() {
			time.Sleep(100 * time.Millisecond)
			if time.Since(lost) > life {
				t.Fatal("it acts although another host may be in office")
			}
		}
	})
}
