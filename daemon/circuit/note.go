package circuit

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
const noteBlob = "rejected/" // and the integration

// clientPrint identifies a client together with its secrets.
func (c *Circuits) clientPrint(in *config.Integration) store.Fingerprint {
	secrets := digest(in)
	text := strings.Join([]string{in.ClientID, in.TokenURL, string(in.AuthStyle), string(secrets[:])}, "\x00")
	return c.notes.Fingerprint(store.NewSecret(text))
}

// persist stores for the next start what trip has found. The client may be accepted at
// any moment of it, and then nothing may stay stored: so it is looked once more
// whether it is refused after the note is durable.
func (c *Circuits) persist(in *config.Integration) {
	is, open := c.Refusal(in.Name)
	if !open {
		return // accepted meanwhile
	}
	print := c.clientPrint(in)
	value := binary.BigEndian.AppendUint64(nil, uint64(is.Since.UnixMilli()))
	value = append(value, print[:]...)
	c.mu.Lock()
	c.stored[in.Name] = struct{}{}
	c.mu.Unlock()
	c.swap(in.Name, append(value, is.Reason...))
	if _, open := c.Refusal(in.Name); !open {
		c.swap(in.Name, nil) // accepted while that was stored
	}
}

func (c *Circuits) swap(integration string, value []byte) {
	_, err := c.notes.SwapBlob(context.Background(), noteBlob+integration, store.Any, value)
	if err != nil {
		c.log.Warn("state of the client not stored", "integration", integration, "error", err)
	}
}

// Recall opens the circuits that an earlier run left open. The next grant that is
// due tries the client.
func (c *Circuits) Recall(ctx context.Context, cfg *config.Config) error {
	for name, in := range cfg.Integrations {
		blob, err := c.notes.Blob(ctx, noteBlob+name)
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
		same := store.Fingerprint(blob.Value[8:head]) == c.clientPrint(in)
		since := time.UnixMilli(int64(binary.BigEndian.Uint64(blob.Value))).UTC()
		is := &circuit{since: since, reason: string(blob.Value[head:]), secrets: digest(in)}
		c.mu.Lock()
		c.stored[name] = struct{}{}
		if same {
			c.open[name] = is
		}
		c.mu.Unlock()
		if same {
			c.log.Warn("client was rejected before this start", "integration", name, "code", is.reason, "since", since.Format(time.RFC3339))
		}
	}
	return nil
}
