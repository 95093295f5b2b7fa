// Package accounts turns names of users and groups into numbers and back. A
// name made of digits is a number, whether or not this host knows it.
package accounts

import (
	"fmt"
	"math"
	"os/user"
	"strconv"
)

// UserID returns the number of a user given by name or number.
func UserID(name string) (uint32, error) {
	return number("user", name, func() (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
}

// GroupID returns the number of a group given by name or number.
func GroupID(name string) (uint32, error) {
	return number("group", name, func() (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
}

func number(kind, name string, find func() (string, error)) (uint32, error) {
	// The last number means nobody: chown(2) leaves the owner as it is then.
	n, err := strconv.ParseUint(name, 10, 32)
	if err == nil && n < math.MaxUint32 {
		return uint32(n), nil
	}
	text, err := find()
	if err == nil {
		n, err = strconv.ParseUint(text, 10, 32)
	}
	if err != nil {
		return 0, fmt.Errorf("look up %s %q: %w", kind, name, err)
	}
	return uint32(n), nil
}

// UserName returns the name of a user, "user 4711" where this host knows none.
func UserName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return "user " + number
}
