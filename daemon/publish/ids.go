package publish

import (
	"fmt"
	"os/user"
	"strconv"
	"sync"
	"time"
)

// idsFor is how long a looked-up number is believed. Reading /etc/group for
// each file of a storm costs more than writing the file; a group that was made
// anew shall still be seen soon.
const idsFor = 10 * time.Second

// ids finds the numbers of users and groups. The zero value is ready.
type ids struct {
	users, groups book
}

// user returns the number of a user given by name or number.
func (i *ids) user(name string) (int, error) {
	return i.users.number("user", name, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
}

// group returns the number of a group given by name or number.
func (i *ids) group(name string) (int, error) {
	return i.groups.number("group", name, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
}

// A book remembers numbers for a while; failures are not remembered.
type book struct {
	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	number int
	until  time.Time
}

func (b *book) number(kind, name string, find func(string) (string, error)) (int, error) {
	if number, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(number), nil
	}
	b.mu.Lock()
	e, ok := b.entries[name]
	b.mu.Unlock()
	if ok && time.Now().Before(e.until) {
		return e.number, nil
	}
	text, err := find(name)
	if err != nil {
		return 0, fmt.Errorf("look up %s %q: %v", kind, name, err)
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("look up %s %q: its number is %q", kind, name, text)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries == nil {
		b.entries = make(map[string]entry)
	}
	b.entries[name] = entry{number, time.Now().Add(idsFor)}
	return number, nil
}
