package outcome

import (
	"slices"

	"webex-tokend/store"
)

// Rotated reports that an answer to a refresh brought a refresh token that was not
// registered: the server replaces them, whatever the configuration says.
func Rotated(r *store.Record) bool {
	return slices.ContainsFunc(r.Fingerprints, func(f store.Fingerprint) bool { return !slices.Contains(r.Registered, f) })
}
