package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// webhookTimeout bounds one delivery, from the connection to the answer.
const webhookTimeout = 10 * time.Second

// Headers of a signed message. The timestamp is in seconds of Unix time; a
// receiver does well to refuse old ones.
const (
	timestampHeader = "Webex-Tokend-Timestamp"
	signatureHeader = "Webex-Tokend-Signature"
)

// webhookWay posts messages. Any answer of 2xx says that it was taken.
// Redirects are not followed: nobody knows whether their target is meant.
func webhookWay(transport http.RoundTripper) method {
	if transport == nil {
		transport = &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true, // alerts are rare
		}
	}
	client := &http.Client{
		Transport:     transport,
		Timeout:       webhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return method{
		name: "webhook",
		used: func(c config.Alert) bool { return c.WebhookURL != "" },
		send: func(ctx context.Context, c config.Alert, m Message) error { return post(ctx, client, c, m) },
	}
}

func post(ctx context.Context, client *http.Client, c config.Alert, m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode alert: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return errors.New("post alert: webhook_url is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "webex-tokend")
	if c.WebhookSecret != nil {
		secret, err := c.WebhookSecret.Read()
		if err != nil {
			return fmt.Errorf("sign alert: %w", err)
		}
		timestamp := strconv.FormatInt(time.Now().Unix(), 10)
		req.Header.Set(timestampHeader, timestamp)
		req.Header.Set(signatureHeader, sign(secret, timestamp, body))
	}
	resp, err := client.Do(req)
	if err != nil {
		// The path of a webhook is often all that keeps it secret.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("post alert to %s: %w", req.URL.Host, err)
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post alert to %s: it answers %d", req.URL.Host, resp.StatusCode)
	}
	return nil
}

// sign returns the HMAC-SHA256, in hexadecimal, of timestamp, a dot and body.
func sign(secret store.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
