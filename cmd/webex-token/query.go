package main

import (
	"cmp"
	"os"
	"strings"
	"time"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/grantname"
)

// tokenVariable is where programs look for the token.
const tokenVariable = "WEBEX_ACCESS_TOKEN"

// A query is one call of this program.
type query struct {
	grant    string
	socket   string // of --socket; empty: not given
	config   string // of --config; empty: not given
	minValid time.Duration
	format   string   // of token: raw json header env
	variable string   // of exec
	command  []string // of exec; nil: token
}

// parse understands the plain forms of both commands. Not ok means: leave it to
// webex-tokend, which may know the rest, or says what is wrong.
func parse(args []string) (q query, ok bool) {
	q = query{format: "raw", variable: tokenVariable}
	var words []string
	for len(args) > 0 && args[0] != "--" {
		word := args[0]
		args = args[1:]
		if !strings.HasPrefix(word, "-") {
			words = append(words, word)
			continue
		}
		name, value, inside := strings.Cut(word, "=")
		if !inside {
			if len(args) == 0 {
				return q, false
			}
			value, args = args[0], args[1:]
		}
		if !q.set(name, value) {
			return q, false
		}
	}
	if len(words) != 2 || grantname.Valid(words[1]) != nil {
		return q, false
	}
	q.grant = words[1]
	switch words[0] {
	case "token":
		return q, len(args) == 0 && q.variable == tokenVariable
	case "exec":
		if len(args) < 2 || q.format != "raw" {
			return q, false
		}
		q.command = args[1:]
		return q, true
	}
	return q, false
}

// set reports whether the flag is one that is understood. A program that is told
// of new tokens needs somebody who stays with it.
func (q *query) set(name, value string) (ok bool) {
	switch name {
	case "--socket":
		q.socket = value
		return value != ""
	case "--config":
		q.config = value
		return value != ""
	case "--min-valid":
		var err error
		q.minValid, err = duration.ParseLife(value)
		return err == nil
	case "--format":
		q.format = value
		return value == "raw" || value == "json" || value == "header" || value == "env"
	case "--variable":
		q.variable = value
		return variableName(value)
	}
	return false
}

func variableName(s string) bool {
	for i, c := range []byte(s) {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return s != ""
}

// address is the socket of the daemon, by the rules of webex-tokend.
func (q *query) address() (socket string, ok bool) {
	if q.socket != "" {
		return q.socket, true
	}
	if socket = cmp.Or(os.Getenv(address.Variable), address.Socket); socket != address.Socket {
		return socket, true
	}
	config := q.config
	if config == "" {
		if config = address.UsualConfig(); config == address.Config {
			return socket, true
		}
	}
	src, err := address.Read(config)
	if err != nil {
		return "", false
	}
	return address.Find(src)
}
