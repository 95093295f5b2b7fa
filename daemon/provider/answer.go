package provider

import (
	"time"

	"webex-tokend/store"
)

// An Answer is what a token response or an imported file says. A field that
// was absent, empty or of no use is zero; nothing in it is assumed.
type Answer struct {
	Access      store.Secret
	Refresh     store.Secret
	TokenType   string // as sent; "bearer" of Meetings stays in lower case
	Scope       string
	AccessLife  time.Duration // expires_in
	RefreshLife time.Duration // refresh_token_expires_in
	// AccessEnd and RefreshEnd come from formats that carry instants.
	AccessEnd  time.Time
	RefreshEnd time.Time

	User  string // user_name
	Email string
	Site  string

	// Date is the server's clock at the answer, zero when it told none.
	Date time.Time
	// Notes are oddities worth one line in the log, without any value in them.
	Notes []string
}
