package wire

import "time"

// A Consumer is a program that asked for the token of a grant, and what it was
// given last. Programs that read files do not show.
type Consumer struct {
	UID        uint32    `json:"uid"`
	Unit       string    `json:"unit"` // of systemd; empty: none
	Generation uint64    `json:"generation"`
	At         time.Time `json:"at"`
}
