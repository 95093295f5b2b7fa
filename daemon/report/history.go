package report

import (
	"context"
	"errors"

	"webex-tokend/store"
)

// History returns what the answers said about the refresh window of a grant,
// oldest first, at most 32. A grant that is pending or damaged has none.
func (r *Report) History(ctx context.Context, name string) ([]store.Observation, error) {
	stored, err := r.cfg.Store.Get(ctx, name)
	if _, damaged := errors.AsType[*store.DamagedError](err); damaged || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return stored.Observations, nil
}
