package keeper

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// A client that is refused stays refused over a restart: its grants may fall due
// in a week only, and until then nothing would show. The store has, in a blob
// for each integration,
//
//	since when, milliseconds since the epoch, 8 bytes big-endian
//	fingerprint of what the client proved itself with, 8 bytes
//	the reason
//
// and nothing when it was accepted since. One whose fingerprint is not that of
// the client as it is now says nothing any more.
const rejectionBlob = "rejected/" // and the integration

// clientPrint identifies a client together with its secrets.
func (k *Keeper) clientPrint(in *config.Integration) store.Fingerprint {
	secrets := digest(in)
	text := strings.Join([]string{in.ClientID, in.TokenURL, string(in.AuthStyle), string(secrets[:])}, "\x00")
	return k.store.Fingerprint(store.NewSecret(text))
}

// noteRejection leaves the next start what trip has found.
func (k *Keeper) noteRejection(in *config.Integration) {
	c, open := k.tripped(in.Name)
	if !open {
		return // accepted meanwhile
	}
	print := k.clientPrint(in)
	value := binary.BigEndian.AppendUint64(nil, uint64(c.Since.UnixMilli()))
	value = append(value, print[:]...)
	k.mu.Lock()
	k.rejections[in.Name] = struct{}{}
	k.mu.Unlock()
	k.swapRejection(in.Name, append(value, c.Reason...))
	if _, open := k.tripped(in.Name); !open {
		k.swapRejection(in.Name, nil) // accepted while that was stored
	}
}

func (k *Keeper) swapRejection(integration string, value []byte) {
	_, err := k.store.SwapBlob(context.Background(), rejectionBlob+integration, store.Any, value)
	if err != nil {
		k.log.Warn("state of the client not noted", "integration", integration, "error", err)
	}
}

// recallRejections opens the circuits that an earlier run left open. The next
// grant that is due tries the client.
func (k *Keeper) recallRejections(ctx context.Context) error {
	for name, in := range k.config.Load().Integrations {
		blob, err := k.store.Blob(ctx, rejectionBlob+name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read whether the client of %s is rejected: %w", name, err)
		}
		const head = 8 + len(store.Fingerprint{})
		if len(blob.Value) < head {
			continue
		}
		same := store.Fingerprint(blob.Value[8:head]) == k.clientPrint(in)
		since := time.UnixMilli(int64(binary.BigEndian.Uint64(blob.Value))).UTC()
		c := &circuit{since: since, reason: string(blob.Value[head:]), secrets: digest(in)}
		k.mu.Lock()
		k.rejections[name] = struct{}{}
		if same {
			k.circuits[name] = c
		}
		k.mu.Unlock()
		if !same {
			continue
		}
		k.log.Warn("client was rejected before this start", "integration", name, "code", c.reason, "since", stamp(since))
	}
	return nil
}
