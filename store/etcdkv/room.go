package etcdkv

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A Room is the state of the cluster, as the server says that answered.
type Room struct {
	Version string
	Size    int64 // bytes of its database on the disk
	InUse   int64 // of those, not free
	Quota   int64 // 0: the server is too old to say it
	Full    bool  // it has raised its alarm
	Members int
}

// TooOldError: the server lacks what this program needs.
type TooOldError struct{ Version string }

func (e *TooOldError) Error() string {
	return fmt.Sprintf("etcd %s is too old: 3.4 is the least", e.Version)
}

// Room asks for the state of the cluster.
func (e *Engine) Room(ctx context.Context) (Room, error) {
	var r Room
	err := e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		status, err := c.Status(ctx, e.cfg.Endpoints[0])
		if err != nil && len(e.cfg.Endpoints) > 1 {
			for _, other := range e.cfg.Endpoints[1:] {
				if status, err = c.Status(ctx, other); err == nil {
					break
				}
			}
		}
		if err != nil {
			return err
		}
		r = Room{Version: status.Version, Size: status.DbSize, InUse: status.DbSizeInUse, Quota: status.DbSizeQuota}
		for _, text := range status.Errors {
			r.Full = r.Full || strings.Contains(text, "NOSPACE")
		}
		members, err := c.MemberList(ctx)
		if err != nil {
			return err
		}
		r.Members = len(members.Members)
		return nil
	})
	if err == nil && !recent(r.Version) {
		err = &TooOldError{r.Version}
	}
	return r, err
}

// recent reports whether a version is 3.4 or later.
func recent(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, bad := strconv.Atoi(minor)
	return err == nil && bad == nil && (a > 3 || a == 3 && b >= 4)
}

// Try makes a write below the prefix and takes it back: what reading does not
// show is whether the user may.
func (e *Engine) Try(ctx context.Context) error {
	return e.ask(ctx, func(ctx context.Context, c *clientv3.Client) error {
		key := e.cfg.Prefix + "try/" + e.member
		if _, err := c.Put(ctx, key, ""); err != nil {
			return err
		}
		_, err := c.Delete(ctx, key)
		return err
	})
}
