package endpoint

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"webex-tokend/store"
)

// A token endpoint that asked for a pause gets it over a restart too: the store
// has the instant in a blob of its own for each token URL, milliseconds since the
// epoch, 8 bytes big-endian. It stays there when it has passed.
const pauseBlob = "closed/" // and the token URL

const (
	// longestStored is what is believed of an instant that another run stored,
	// perhaps under a clock that was wrong. No Retry-After counts for more.
	longestStored = time.Hour
	// pauseGrain spares commits: a fleet in flight is asked for a pause many
	// times over, each time until a little later.
	pauseGrain = time.Second
)

// Rest pauses the endpoint until then, whether or not that can be stored for the
// next start.
func (e *Endpoint) Rest(ctx context.Context, until time.Time) {
	e.PauseUntil(until)
	e.mu.Lock()
	stored := e.set == nil || until.Sub(e.storedUntil) < pauseGrain
	if !stored {
		e.storedUntil = until
	}
	e.mu.Unlock()
	if stored {
		return
	}
	if err := e.set.storePause(ctx, e.url, until); err != nil {
		e.set.log.Warn("pause that the token endpoint asked for not stored", "url", e.url, "error", err)
	}
}

// storePause leaves a later instant that another request to the URL stored.
func (s *Set) storePause(ctx context.Context, url string, until time.Time) error {
	for {
		stored, revision, err := s.readPause(ctx, url)
		if err != nil || stored.After(until) && stored.Before(until.Add(longestStored)) {
			return err
		}
		_, err = s.blobs.SwapBlob(ctx, pauseBlob+url, revision, binary.BigEndian.AppendUint64(nil, uint64(until.UnixMilli())))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// readPause returns the zero time where nothing is stored, or nothing legible.
func (s *Set) readPause(ctx context.Context, url string) (time.Time, store.Revision, error) {
	blob, err := s.blobs.Blob(ctx, pauseBlob+url)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(blob.Value) != 8 {
		return time.Time{}, blob.Revision, nil
	}
	if err != nil {
		return time.Time{}, 0, err
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(blob.Value))).UTC(), blob.Revision, nil
}

// Recall pauses again what an earlier run left paused.
func (s *Set) Recall(ctx context.Context, now time.Time) error {
	for url, e := range s.all() {
		until, _, err := s.readPause(ctx, url)
		if err != nil {
			return fmt.Errorf("read until when %s is paused: %w", url, err)
		}
		if left := min(until.Sub(now), longestStored); left > 0 {
			e.PauseUntil(now.Add(max(left, time.Second)))
		}
	}
	return nil
}
