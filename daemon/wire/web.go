package wire

import "time"

// A Web opens the web pages once, with the rights of the peer that asked.
type Web struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}
