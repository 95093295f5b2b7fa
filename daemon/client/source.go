package client

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"webex-tokend/daemon/wire"
)

// A Source hands the access token of one grant to programs that know
// golang.org/x/oauth2: it is an oauth2.TokenSource. It is safe for concurrent
// use.
//
// A token is kept until shortly before it expires, so that a busy program asks
// the daemon a few times in the life of a token and not at each of its
// requests. While the daemon is away, the token that is held serves until it
// has expired.
type Source struct {
	client *Client
	ctx    context.Context
	grant  string

	asking singleflight.Group
	mu     sync.Mutex
	held   *oauth2.Token
	fresh  time.Time // until then held is given without asking
}

var _ oauth2.TokenSource = (*Source)(nil)

// TokenSource asks nothing yet. ctx counts for all that the Source asks later,
// as it does in golang.org/x/oauth2.
func (c *Client) TokenSource(ctx context.Context, grant string) *Source {
	return &Source{client: c, ctx: ctx, grant: grant}
}

// A token without expiry may be replaced by a human at any time; nothing but
// asking tells. One that expires is asked for again with this much of its life
// left, a tenth of what it was when it came, within these bounds.
const (
	recheck   = time.Minute
	longLeft  = time.Minute
	shortLeft = time.Second
)

// Token returns an access token that has not expired. Its errors are those of
// Client.Token.
func (s *Source) Token() (*oauth2.Token, error) {
	if t := s.keep(func(now time.Time) bool { return now.Before(s.fresh) }); t != nil {
		return t, nil
	}
	// Callers that come at once ask once.
	_, err, _ := s.asking.Do("", func() (any, error) {
		answer, err := s.client.Token(s.ctx, s.grant, 0)
		if err == nil {
			s.take(answer)
		}
		return nil, err
	})
	if p, ok := errors.AsType[*Problem](err); ok && p.Status != http.StatusServiceUnavailable {
		return nil, err // the grant is gone, or not for this caller any more
	}
	if t := s.keep(func(now time.Time) bool { return s.held.Expiry.IsZero() || now.Before(s.held.Expiry) }); t != nil {
		return t, nil
	}
	return nil, err
}

// keep returns a copy of the token that is held, if there is one that will do.
func (s *Source) keep(willDo func(now time.Time) bool) *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil || !willDo(time.Now()) {
		return nil
	}
	t := *s.held
	return &t
}

func (s *Source) take(answer wire.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = &oauth2.Token{AccessToken: answer.AccessToken, TokenType: answer.TokenType}
	if answer.ExpiresAt == nil {
		s.fresh = time.Now().Add(recheck)
		return
	}
	s.held.Expiry = *answer.ExpiresAt
	left := time.Until(s.held.Expiry)
	s.fresh = s.held.Expiry.Add(-max(min(left/10, longLeft), shortLeft))
}
