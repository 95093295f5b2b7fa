package publish

import (
	"encoding/json"
	"time"

	"webex-tokend/daemon/refresh"
	"webex-tokend/store"
)

// A meta is what a side file holds, for those who may know how a token fares
// but not have it:
//
//	{"generation":7,"expires_at":"2026-11-22T10:30:00.25Z","state":"ok"}
//
// It is written after the token file and whenever the state is another one.
type meta struct {
	Generation uint64      `json:"generation"`
	ExpiresAt  *time.Time  `json:"expires_at"` // null: not known to end
	State      store.State `json:"state"`
}

func renderMeta(current refresh.Current) ([]byte, error) {
	content, err := json.Marshal(meta{current.Generation, expiry(current), current.State})
	return append(content, '\n'), err
}
