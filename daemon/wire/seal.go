package wire

// A Rotation is one line of the answer to POST /v1/key/rotate.
type Rotation struct {
	Records int    `json:"records"` // dealt with so far
	Of      int    `json:"of"`
	Done    bool   `json:"done"`
	Kept    string `json:"kept,omitempty"`  // why the old keys stay, with the last line
	Error   string `json:"error,omitempty"` // why it ended early, with the last line
}

// A RecoveryKey is a wrapping key that was just made. It can be had once.
type RecoveryKey struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}
