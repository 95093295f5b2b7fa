// Package provider speaks to token endpoints, one dialect per kind of
// integration. It promises that a secret goes to the configured endpoint and
// nowhere else, that a request is written at most once per call, that a
// refresh token in an answer is never dropped however odd the rest, and that
// no error text carries a secret.
//
// golang.org/x/oauth2 is not used on purpose: it repeats requests with another
// authentication style, follows redirects with the secrets in the body, and
// loses rotated refresh tokens when another field of the answer is odd.
package provider

// Client is a stub until the real one lands.
type Client struct{}
