package keeper

import (
	"time"

	"webex-tokend/daemon/config"
)

// A skew of more than skewBound is told, once; one of less than skewCured ends
// it. What lies between keeps the log calm.
const (
	skewBound = 30 * time.Second
	skewCured = 15 * time.Second
)

// skew is how far a server's clock is ahead of ours. Its Date has whole seconds
// and is compared with the middle of the exchange; 0 where it cannot be told.
func skew(server, sent, answered time.Time) time.Duration {
	skew := server.Sub(sent.Add(answered.Sub(sent) / 2))
	if skew.Abs() < time.Second {
		return 0
	}
	return skew
}

// compareClocks notes what the Date of an answer says of the token endpoint's
// clock and ours.
func (k *Keeper) compareClocks(in *config.Integration, server, sent time.Time) {
	l := k.lane(in)
	if server.IsZero() || l == nil {
		return
	}
	is := skew(server, sent, k.now())
	l.mu.Lock()
	was := l.skewed
	l.skew = is
	l.skewed = is.Abs() > skewBound || was && is.Abs() >= skewCured
	now := l.skewed
	l.mu.Unlock()
	switch {
	case now && !was:
		k.log.Warn("the clock of the token endpoint and ours differ", "token_url", in.TokenURL, "ahead_by", is.Round(time.Second).String())
	case was && !now:
		k.log.Info("the clock of the token endpoint and ours agree again", "token_url", in.TokenURL)
	}
}

func (l *lane) clock() (skew time.Duration, skewed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.skew, l.skewed
}

// widestSkew is that of the endpoint whose clock is furthest from ours.
func (k *Keeper) widestSkew() (widest time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.lanes {
		if skew, _ := l.clock(); skew.Abs() > widest.Abs() {
			widest = skew
		}
	}
	return widest
}
