package endpoint

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// Blobs are where pauses outlast a restart. *store.Store is one.
type Blobs interface {
	Blob(ctx context.Context, key string) (store.Blob, error)
	SwapBlob(ctx context.Context, key string, expect store.Revision, value []byte) (store.Revision, error)
}

// A Config says what a Set works with. Blobs is needed.
type Config struct {
	Blobs Blobs
	// Log gets one line per event; nil means none.
	Log hclog.Logger
}

// A Set is the endpoints of a configuration, by token URL. It is safe for
// concurrent use.
type Set struct {
	blobs Blobs
	log   hclog.Logger

	mu    sync.Mutex
	byURL map[string]*Endpoint
}

// NewSet returns a set without endpoints.
func NewSet(cfg Config) *Set {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	return &Set{blobs: cfg.Blobs, log: cfg.Log, byURL: make(map[string]*Endpoint)}
}

// Arrange gives each token URL of a configuration its endpoint. Of limits that
// integrations set differently for the same URL the smallest holds.
func (s *Set) Arrange(cfg *config.Config) {
	limits := make(map[string]Limits)
	for _, in := range cfg.Integrations {
		l, ok := limits[in.TokenURL]
		if !ok || in.Concurrency < l.InFlight {
			l.InFlight = in.Concurrency
		}
		if in.Rate > 0 && (l.PerSecond == 0 || in.Rate < l.PerSecond) {
			l.PerSecond = in.Rate
		}
		limits[in.TokenURL] = l
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for url, l := range limits {
		switch before := s.byURL[url]; {
		case before == nil:
			e := New(l)
			e.url, e.set = url, s
			s.byURL[url] = e
		case before.limits != New(l).limits:
			s.byURL[url] = before.With(l)
		}
	}
	maps.DeleteFunc(s.byURL, func(url string, _ *Endpoint) bool { _, named := limits[url]; return !named })
}

// Of returns the endpoint of a token URL; nil: no integration names it now.
func (s *Set) Of(url string) *Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byURL[url]
}

// SetBack keeps the pauses of all endpoints as long as they are when the clock by
// which they began was set back.
func (s *Set) SetBack(by time.Duration) {
	for _, e := range s.all() {
		e.SetBack(by)
	}
}

// WidestSkew is that of the endpoint whose clock is furthest from ours.
func (s *Set) WidestSkew() (widest time.Duration) {
	for _, e := range s.all() {
		if skew := e.clock(); skew.Abs() > widest.Abs() {
			widest = skew
		}
	}
	return widest
}

// Broken lists the token URLs that have failed again and again.
func (s *Set) Broken() (urls []string) {
	for url, e := range s.all() {
		if e.Broken() {
			urls = append(urls, url)
		}
	}
	return urls
}

func (s *Set) all() map[string]*Endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.byURL)
}
