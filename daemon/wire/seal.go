package wire

import "time"

// A Rotation is one line of the answer to POST /v1/key/rotate.
type Rotation struct {
	Records int    `json:"records"` // dealt with so far
	Of      int    `json:"of"`
	Done    bool   `json:"done"`
	Kept    string `json:"kept,omitempty"`  // why the old keys stay, with the last line
	Error   string `json:"error,omitempty"` // why it ended early, with the last line
}

// A StoreKey reports whether the store will open at the next start.
type StoreKey struct {
	Slots int    `json:"slots"` // wrapping keys that open it; 1: there is no recovery key
	Fault string `json:"fault"` // why the configured key would not; empty: it would
}

// A RecoveryKey is a wrapping key that was just made. It can be had once.
type RecoveryKey struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// KeySlots answers GET /v1/key/slots and DELETE /v1/key/slots/{id}: the wrapping
// keys that open the store.
type KeySlots struct {
	Slots []KeySlot `json:"slots"`
}

// A KeySlot is one of them. It tells nothing of the key.
type KeySlot struct {
	ID   string     `json:"id"`
	Made *time.Time `json:"made"` // null: by a version that did not note it
	Kind string     `json:"kind"` // first recovery, or empty for the same reason
	Own  bool       `json:"own"`  // the daemon opened the store by this one
}
