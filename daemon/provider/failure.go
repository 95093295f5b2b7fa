package provider

import (
	"fmt"
	"time"

	"webex-tokend/store"
)

// A Kind sorts failures by what to do next.
type Kind int

const (
	// Transient: try again with backoff. Everything unknown is transient.
	Transient Kind = iota
	// Limited: the endpoint asks for patience, at least RetryAfter.
	Limited
	// Rejected: the refresh token was refused in explicit words. Try the
	// fallbacks; repeated over time it means that a human must consent.
	Rejected
	// Misconfigured: the client itself was refused; all grants of the
	// integration are affected and none of them is at fault.
	Misconfigured
	// Exhausted: the account holds too many access tokens; long patience.
	Exhausted
)

// A Failure is a token request that brought no usable access token.
type Failure struct {
	Kind Kind
	// Sent is false only when it is certain that no byte of the request left.
	Sent bool
	// Answered is true when an HTTP status arrived. Sent without Answered
	// means that the outcome is unknown.
	Answered    bool
	Status      int
	Code        string // the server's error code, else our own word
	Description string // printable, at most 200 bytes, never a secret
	TrackingID  string
	RetryAfter  time.Duration // 0: none said; else 1 s to 1 h
	Date        time.Time
	// Withheld is what MayDepart said when nothing left because of it.
	Withheld error
	// Unread is the body of a 2xx answer that could not be read although it may
	// hold a refresh token, at most 256 KiB. It is to be kept like one.
	Unread store.Secret
	// Salvaged is a refresh token found in an otherwise useless answer. It
	// must be kept: the server may have retired the one that was sent.
	Salvaged store.Secret

	// client: the client's identity or secret was refused in explicit words,
	// so that another secret may help and nothing was used up.
	client bool
}

func (f *Failure) Error() string {
	switch {
	case f.Status != 0 && f.Description != "":
		return fmt.Sprintf("token endpoint answered %d %s: %s", f.Status, f.Code, f.Description)
	case f.Status != 0:
		return fmt.Sprintf("token endpoint answered %d %s", f.Status, f.Code)
	case f.Description != "":
		return fmt.Sprintf("token request failed, %s: %s", f.Code, f.Description)
	}
	return "token request failed, " + f.Code
}
