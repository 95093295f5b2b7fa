package keeper

import "time"

// A storeFault is that the store refused to be written. It lasts until the
// store has accepted what a refresh writes: other changes may be smaller than
// the room that an answer needs.
type storeFault struct {
	grant string // whose refresh was held up
	err   error
	tried bool // that refresh was ordered again
}

// distrustStore notes a refused write: nothing is sent for a while.
func (k *Keeper) distrustStore(name string, now time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.storeTry = now.Add(storePause)
	k.fault = &storeFault{grant: name, err: err}
}

func (k *Keeper) trustStore() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = nil
}

// storeWritable tells whether an intent may be tried: not while an answer is
// held, nor right after a refused write.
func (k *Keeper) storeWritable(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.held) == 0 && !now.Before(k.storeTry)
}

// makeUp orders the refresh again that the store held up last. Somebody wants it
// still, and it finds out whether the store has room now, even where no other
// refresh is due for days. When it ends without a word of the store, another
// gate has closed meanwhile; then the next refresh finds out.
func (k *Keeper) makeUp(now time.Time) {
	if !k.storeWritable(now) {
		return
	}
	k.mu.Lock()
	f := k.fault
	if f == nil || k.flights[f.grant] != nil {
		k.mu.Unlock()
		return
	}
	again := !f.tried
	if f.tried = true; !again {
		k.fault = nil
	}
	k.mu.Unlock()
	if again {
		k.fly(f.grant, ordered)
	}
}

// storeError says why the store refuses to be written; empty: it does not.
func (k *Keeper) storeError() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fault == nil {
		return ""
	}
	return k.fault.err.Error()
}
