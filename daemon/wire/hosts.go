package wire

import "time"

// Hosts answers GET /v1/hosts: those that share the store; none where it is a file
// of one host.
type Hosts struct {
	Hosts []Host `json:"hosts"`
}

// A Host is one of them.
type Host struct {
	Name   string `json:"name"`
	Office bool   `json:"office"` // does what happens by itself
	// Since is the start of its process; null: it is away.
	Since *time.Time `json:"since"`
	Build string     `json:"build"`
	Rules string     `json:"rules"` // same other, as those of the host in office; empty: it is away
	// CopyLagSeconds is how long its copy has not followed.
	CopyLagSeconds   float64   `json:"copy_lag_seconds"`
	OutputsFailing   int       `json:"outputs_failing"`
	ClockSkewSeconds float64   `json:"clock_skew_seconds"` // against the host that was asked
	LastSeenAt       time.Time `json:"last_seen_at"`
	// Complaint is why it could refresh nothing when it tried last; empty: nothing
	// kept it from that.
	Complaint string `json:"complaint,omitempty"`
}
