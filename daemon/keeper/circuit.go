package keeper

import (
	"crypto/sha256"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// A circuit is open while the client of an integration is refused. All its
// grants then show as misconfigured, and one request now and then tries it.
type circuit struct {
	since   time.Time
	reason  string
	probeAt time.Time
	secrets [sha256.Size]byte // what the client proved itself with
}

// probePause is how long an integration waits before its client is tried again
// without any change of its secret.
const probePause = 15 * time.Minute

// trip opens the circuit after the client was refused; news tells whether that
// was not known of these secrets.
func (k *Keeper) trip(in *config.Integration, f *provider.Failure, now time.Time) (news bool) {
	secrets := digest(in)
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.circuits[in.Name]
	news = c == nil || c.secrets != secrets
	if c == nil {
		c = &circuit{since: now, reason: f.Code}
		k.circuits[in.Name] = c
		k.log.Error("client rejected", "integration", in.Name, "code", f.Code, "description", f.Description, "tracking_id", f.TrackingID)
	}
	c.secrets = secrets
	c.probeAt = now.Add(max(probePause, f.RetryAfter))
	return news
}

// refusedFor notes for which grant the client was refused.
func (k *Keeper) refusedFor(integration, grant string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refusals[integration] == nil {
		k.refusals[integration] = make(map[string]bool)
	}
	k.refusals[integration][grant] = true
}

// unrefused lists the grants for which the client was not refused when it was
// tried for them last. When it was for all of them, the next round begins.
func (k *Keeper) unrefused(integration string, due []store.DueGrant) (list []store.DueGrant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	refused := k.refusals[integration]
	for _, g := range due {
		if !refused[g.Name] {
			list = append(list, g)
		}
	}
	if len(list) == 0 {
		clear(refused)
	}
	return list
}

// tripUnreadable opens the circuits of integrations whose secrets cannot be
// read, so that this shows now and not when the first grant falls due.
func (k *Keeper) tripUnreadable(cfg *config.Config, now time.Time) {
	for _, in := range cfg.Integrations {
		if f := provider.Unreadable(in); f != nil {
			k.trip(in, f, now)
		}
	}
}

// mend closes the circuit after the client was accepted for a grant.
func (k *Keeper) mend(integration, grant string) {
	k.mu.Lock()
	_, open := k.circuits[integration]
	_, noted := k.rejections[integration]
	delete(k.circuits, integration)
	delete(k.rejections, integration)
	delete(k.refusals[integration], grant)
	k.mu.Unlock()
	if open {
		k.log.Info("client accepted again", "integration", integration)
	}
	if noted {
		k.swapRejection(integration, nil)
	}
}

// tripped returns the condition that an open circuit puts its grants in.
func (k *Keeper) tripped(integration string) (store.Condition, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.circuits[integration]
	if c == nil {
		return store.Condition{}, false
	}
	return c.condition(), true
}

func (c *circuit) condition() store.Condition {
	return store.Condition{State: store.Misconfigured, Reason: c.reason, Since: c.since}
}

// passable says how many requests an integration may send now: all, or, while
// its circuit is open, one when it is time to try. A secret that was changed
// closes the circuit: whoever changed it meant to mend what was wrong.
func (k *Keeper) passable(in *config.Integration, now time.Time) (all, one bool) {
	k.mu.Lock()
	c := k.circuits[in.Name]
	k.mu.Unlock()
	if c == nil {
		return true, true
	}
	changed := digest(in) != c.secrets
	k.mu.Lock()
	defer k.mu.Unlock()
	if changed && k.circuits[in.Name] == c {
		delete(k.circuits, in.Name)
		k.log.Info("client secret changed, trying the client again", "integration", in.Name)
		return true, true
	}
	return false, !now.Before(c.probeAt)
}

// digest identifies the secrets as they are on disk now; they are read again
// so that rotating one needs no reload.
func digest(in *config.Integration) [sha256.Size]byte {
	h := sha256.New()
	for _, file := range in.Secrets {
		secret, err := file.Read()
		if err != nil {
			h.Write([]byte{0})
			continue
		}
		h.Write([]byte(secret.Reveal()))
		h.Write([]byte{1})
	}
	return [sha256.Size]byte(h.Sum(nil))
}
