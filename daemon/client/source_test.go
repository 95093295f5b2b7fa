package client_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

// A desk is a daemon that answers token requests by what it is told.
type desk struct {
	asked atomic.Int64
	mu    sync.Mutex
	said  func(http.ResponseWriter)
}

func (d *desk) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	d.asked.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said(w)
}

func (d *desk) says(said func(http.ResponseWriter)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said = said
}

func token(text string, left time.Duration) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		expires := "null"
		if left != 0 {
			expires = `"` + time.Now().Add(left).UTC().Format(time.RFC3339Nano) + `"`
		}
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_at":%s,"generation":1}`, text, expires)
	}
}

func refusal(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", wire.ProblemType)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"title":"no","status":%d,"detail":"no"}`, status)
	}
}

func TestASourceKeepsATokenAsLongAsItIsGood(t *testing.T) {
	tests := []struct {
		name   string
		first  func(http.ResponseWriter)
		second func(http.ResponseWriter)
		want   string // of the second call; empty: an error
		asked  int64
	}{
		{"a token with life left is not asked for again", token("a", time.Hour), token("b", time.Hour), "a", 1},
		{"a token without expiry is kept for a while", token("a", 0), token("b", 0), "a", 1},
		{"a token in its last second is asked for again", token("a", 900*time.Millisecond), token("b", time.Hour), "b", 2},
		{"an expired token is never given", token("a", -time.Second), refusal(503), "", 2},
		{"a token that lives serves while there is no newer one", token("a", 900*time.Millisecond), refusal(503), "a", 2},
		{"a token that lives is not given against a refusal", token("a", 900*time.Millisecond), refusal(403), "", 2},
		{"a token that lives is not given for a grant that is gone", token("a", 900*time.Millisecond), refusal(404), "", 2},
	}
	for _, test := range tests {
		// In a bubble no time passes, since somebody waits for the network at any time.
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{said: test.first}
				source := answer(t, d.ServeHTTP).TokenSource(t.Context(), "ops")
				_, _ = source.Token()
				d.says(test.second)
				got, err := source.Token()
				switch {
				case test.want == "" && err == nil:
					t.Errorf("got %q", got.AccessToken)
				case test.want != "" && (err != nil || got.AccessToken != test.want || got.TokenType != "Bearer"):
					t.Errorf("got %+v, %v", got, err)
				}
				if n := d.asked.Load(); n != test.asked {
					t.Errorf("the daemon was asked %d times", n)
				}
			})
		})
	}
}

func TestManyCallersAtOnceAskOnce(t *testing.T) {
	const callers = 20
	arrived, release := make(chan struct{}), make(chan struct{})
	d := &desk{said: func(w http.ResponseWriter) {
		close(arrived) // twice would panic
		<-release
		token("a", time.Hour)(w)
	}}
	source := answer(t, d.ServeHTTP).TokenSource(t.Context(), "ops")
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if got, err := source.Token(); err != nil || got.AccessToken != "a" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	<-arrived
	close(release)
	all.Wait()
	if n := d.asked.Load(); n != 1 {
		t.Errorf("the daemon was asked %d times", n)
	}
}

func TestACallerCannotChangeTheTokenOfOthers(t *testing.T) {
	d := &desk{said: token("a", time.Hour)}
	source := answer(t, d.ServeHTTP).TokenSource(t.Context(), "ops")
	first, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	first.AccessToken = "mine"
	if second, err := source.Token(); err != nil || second.AccessToken != "a" {
		t.Errorf("got %+v, %v", second, err)
	}
}

func TestASourceOfADaemonThatIsAwaySaysSo(t *testing.T) {
	c := client.New(client.Config{Socket: t.TempDir() + "/none"})
	if got, err := c.TokenSource(t.Context(), "ops").Token(); err == nil {
		t.Errorf("got %+v", got)
	}
}
