package config

// Log says what is logged, and in which form.
type Log struct {
	Level string // trace debug info warn error
	// Levels replace Level for single LogAreas.
	Levels map[string]string
	Format string // text json
}

// LogAreas are the parts of the daemon whose log can have a level of its own:
// what stands behind "webex-tokend." in their lines.
func LogAreas() []string {
	return []string{"alert", "api", "consent", "credential", "cron", "inbox", "keeper", "metrics", "office", "publish", "seed", "store", "watch", "web"}
}
