// Package answer finds the members of an answer in the bytes that a token
// endpoint sent, whatever was done to them on the way: content codings, encodings
// of text, wrappings. It promises that a token which stands there is found or that
// the caller learns that there is something it could not read, and that no input
// costs more than a few times its length.
package answer

// An Owner names the person of the tokens, as far as an answer says so.
type Owner struct {
	User  string // user_name
	Email string
	Site  string
}
