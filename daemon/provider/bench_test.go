package provider_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"webex-tokend/daemon/provider"
)

// BenchmarkRefresh stands beside a bare http.Client that posts the same form
// to the same endpoint; it reads one secret file more and parses the answer.
func BenchmarkRefresh(b *testing.B) {
	endpoint := httpServer(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answersGood(w, r)
	}))
	b.Run("bare", func(b *testing.B) {
		transport := &http.Transport{MaxIdleConnsPerHost: 256}
		b.Cleanup(transport.CloseIdleConnections)
		bare := &http.Client{Transport: transport}
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
			"client_id": {"C0ffee"}, "client_secret": {clientSecret}}.Encode()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				resp, err := bare.Post(endpoint, "application/x-www-form-urlencoded", strings.NewReader(form))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	})
	b.Run("client", func(b *testing.B) {
		c := client(b, provider.Config{})
		in := integration(b, endpoint)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := c.Refresh(b.Context(), in, request()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
