package keeper

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"time"

	"webex-tokend/store"
)

// A token endpoint that asked for patience is closed until then, and stays
// closed over a restart: the store has the instant in a blob of its own for each
// token URL, milliseconds since the epoch, 8 bytes big-endian. It stays there
// when it has passed.
const closureBlob = "closed/" // and the token URL

const (
	// longestClosure is what is believed of an instant that another run noted,
	// perhaps under a clock that was wrong. No Retry-After counts for more.
	longestClosure = time.Hour
	// closureGrain spares commits: a fleet in flight is asked for patience many
	// times over, each time until a little later.
	closureGrain = time.Second
)

// closeEndpoint closes the endpoint of a plan, whether or not that can be noted
// for the next start.
func (k *Keeper) closeEndpoint(p *plan, until time.Time) {
	p.lane.endpoint.CloseUntil(until)
	p.lane.mu.Lock()
	noted := until.Sub(p.lane.noted) < closureGrain
	if !noted {
		p.lane.noted = until
	}
	p.lane.mu.Unlock()
	if noted {
		return
	}
	if err := k.noteClosure(context.Background(), p.in.TokenURL, until); err != nil {
		k.log.Warn("patience that the token endpoint asked for not noted", "url", p.in.TokenURL, "error", err)
	}
}

// noteClosure leaves a later instant that another lane of the URL noted.
func (k *Keeper) noteClosure(ctx context.Context, url string, until time.Time) error {
	for {
		noted, revision, err := k.readClosure(ctx, url)
		if err != nil || noted.After(until) && noted.Before(until.Add(longestClosure)) {
			return err
		}
		_, err = k.store.SwapBlob(ctx, closureBlob+url, revision, binary.BigEndian.AppendUint64(nil, uint64(until.UnixMilli())))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// readClosure returns the zero time where nothing is noted, or nothing legible.
func (k *Keeper) readClosure(ctx context.Context, url string) (time.Time, store.Revision, error) {
	blob, err := k.store.Blob(ctx, closureBlob+url)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(blob.Value) != 8 {
		return time.Time{}, blob.Revision, nil
	}
	if err != nil {
		return time.Time{}, 0, err
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(blob.Value))).UTC(), blob.Revision, nil
}

// recallClosures closes again what an earlier run left closed.
func (k *Keeper) recallClosures(ctx context.Context) error {
	k.mu.Lock()
	lanes := maps.Clone(k.lanes)
	k.mu.Unlock()
	now := k.now()
	for url, l := range lanes {
		until, _, err := k.readClosure(ctx, url)
		if err != nil {
			return fmt.Errorf("read until when %s is closed: %w", url, err)
		}
		if left := min(until.Sub(now), longestClosure); left > 0 {
			l.endpoint.CloseUntil(now.Add(max(left, time.Second)))
		}
	}
	return nil
}
