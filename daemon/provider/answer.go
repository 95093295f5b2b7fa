package provider

import (
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/store"
)

// An Answer has the content of a token response or an imported file. A field that
// was absent, empty or of no use is zero; nothing in it is assumed.
type Answer struct {
	Access  store.Secret
	Refresh store.Secret
	// Spares are further refresh tokens that stood in the answer.
	Spares []store.Secret
	// Unread is the whole answer where its refresh token could not be read. It
	// is to be kept like one.
	Unread      store.Secret
	TokenType   string // "Bearer", or a scheme that is another one, as sent
	Scope       string
	AccessLife  time.Duration // expires_in
	RefreshLife time.Duration // refresh_token_expires_in
	// AccessEnd and RefreshEnd come from members that carry instants.
	AccessEnd  time.Time
	RefreshEnd time.Time
	// Doubtful: AccessLife stands for a number out of range.
	Doubtful bool

	answer.Owner

	// Date is the server's clock at the answer, zero when it told none.
	Date time.Time
	// Notes are oddities worth one line in the log, without any value in them.
	Notes []string
}
