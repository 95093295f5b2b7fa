package emulator

import "time"

// A Kind says how a grant comes about and what its responses look like.
type Kind string

const (
	// REST is an integration on webexapis.com, by authorization code.
	REST Kind = "rest"
	// Meetings is an integration of the older XML API on api.webex.com.
	Meetings Kind = "meetings"
	// Device is a REST integration that may use the device flow as well.
	Device Kind = "device"
	// ServiceApp is a machine account; its first token comes through another
	// integration that may manage applications.
	ServiceApp Kind = "service-app"
)

// Kinds returns every kind, in the order in which pages and announcements name
// them.
func Kinds() []Kind { return []Kind{REST, Meetings, Device, ServiceApp} }

// A Life says how long the tokens of a grant work.
type Life struct {
	Access  time.Duration
	Refresh time.Duration
}

const day = 24 * time.Hour

// life is what Webex documents for the kind: 14 and 90 days for integrations and
// service apps, 2 hours and 60 days for Meetings, 18 hours in the sample of the
// device flow.
func (k Kind) life() Life {
	switch k {
	case Meetings:
		return Life{Access: 2 * time.Hour, Refresh: 60 * day}
	case Device:
		return Life{Access: 18 * time.Hour, Refresh: 90 * day}
	}
	return Life{Access: 14 * day, Refresh: 90 * day}
}

// scopes are those for which the preregistered client of the kind is entitled.
func (k Kind) scopes() []string {
	switch k {
	case Meetings:
		return []string{"all_read", "user_modify", "meeting_modify", "recording_modify", "setting_modify"}
	case ServiceApp:
		return []string{"spark:all", "spark:rooms_read", "spark-admin:people_read"}
	case Device:
		return []string{"spark:people_read", "spark:rooms_read"}
	}
	return []string{"spark:people_read", "spark:rooms_read", "spark:messages_write", "spark:applications_token", "spark:all"}
}

// usual are the scopes that a grant gets when nobody names any: enough to try
// the token, not all that the client could ask for.
func (k Kind) usual() []string {
	switch k {
	case Meetings:
		return []string{"all_read", "meeting_modify"}
	case ServiceApp:
		return []string{"spark:rooms_read", "spark-admin:people_read"}
	}
	return []string{"spark:people_read", "spark:rooms_read"}
}
