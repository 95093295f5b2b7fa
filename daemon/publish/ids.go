package publish

import (
	"sync"
	"time"

	"webex-tokend/daemon/accounts"
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
func (i *ids) user(name string) (int, error) { return i.users.number(name, accounts.UserID) }

// group returns the number of a group given by name or number.
func (i *ids) group(name string) (int, error) { return i.groups.number(name, accounts.GroupID) }

// A book remembers numbers for a while; failures are not remembered.
type book struct {
	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	number int
	until  time.Time
}

func (b *book) number(name string, find func(string) (uint32, error)) (int, error) {
	b.mu.Lock()
	e, ok := b.entries[name]
	b.mu.Unlock()
	if ok && time.Now().Before(e.until) {
		return e.number, nil
	}
	number, err := find(name)
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.entries == nil {
		b.entries = make(map[string]entry)
	}
	b.entries[name] = entry{int(number), time.Now().Add(idsFor)}
	return int(number), nil
}
