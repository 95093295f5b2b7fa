package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"webex-tokend/daemon"
	"webex-tokend/daemon/config"
	"webex-tokend/store"
	"webex-tokend/store/etcdkv"
)

// smallQuota is what etcd has unless it is told otherwise. Its history of a large
// fleet fills that in half a day.
const smallQuota = 2 << 30

// shared asks the etcd of a configuration whether it will do, and says what it
// found, one text for each thing. An error is what would keep the daemon from
// working.
func (c *console) shared(ctx context.Context, cfg *config.Config) ([]string, error) {
	if cfg.Seal.Shared == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	engine, err := etcdkv.Open(daemon.EtcdConfig(cfg.Seal.Shared, nil))
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	room, err := engine.Room(ctx)
	if err != nil {
		return nil, err
	}
	if err := engine.Try(ctx); err != nil {
		return nil, err
	}
	texts := []string{fmt.Sprintf("etcd %s with %s, %s in use", room.Version, plural(room.Members, "member"), mebibytes(room.InUse))}
	switch {
	case room.Members < 3:
		texts = append(texts, "its loss of one member stops refreshing: three members outlast one")
	case room.Members%2 == 0:
		texts = append(texts, "an even number of members outlasts no more losses than one less")
	}
	if room.Quota > 0 && room.Quota <= smallQuota || room.Quota == 0 {
		texts = append(texts, "start its members with --quota-backend-bytes=8589934592 and --auto-compaction-retention=1h")
	}
	switch id, err := engine.Identity(ctx); {
	case err == nil:
		texts = append(texts, fmt.Sprintf("store %.8s below %s", id, cfg.Seal.Shared.Prefix))
	case errors.Is(err, store.ErrVanished):
		texts = append(texts, "no store below "+cfg.Seal.Shared.Prefix+" yet: the first daemon begins one, or: webex-tokend store migrate --to etcd")
	default:
		return texts, err
	}
	return texts, nil
}
