package provider

import (
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/config"
)

func TestConnectionsOfARouteThatFellOutOfUseAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pools := &transports{pools: make(map[route]*pool)}
		use := func(proxy string) {
			t.Helper()
			if _, err := pools.of(&config.Integration{ProxyURL: proxy}); err != nil {
				t.Fatal(err)
			}
		}
		use("http://old.example")
		use("http://kept.example")
		time.Sleep(unusedTime)
		use("http://kept.example")
		time.Sleep(time.Second)
		use("http://new.example")
		if _, ok := pools.pools[route{proxyURL: "http://old.example"}]; ok || len(pools.pools) != 2 {
			t.Errorf("%d routes are kept, the unused one among them: %v", len(pools.pools), ok)
		}
	})
}
