package web_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"webex-tokend/daemon/acl"
)

// rebound is a foreign name that has been made to point at this host.
const rebound = "evil.example"

// browse starts Chromium with a profile of its own. Without Chromium the test
// is skipped, except where CI has promised it. What the browser visits begins
// before it, so that it ends after: a server waits for connections that a browser
// opens ahead.
func browse(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no chromium, and CI promises one")
		}
		t.Skip("there is no chromium on this host; Debian's package chromium has it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP "+rebound+" 127.0.0.1"),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has ended
		end()
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal("start chromium:", err)
	}
	return ctx
}

// do takes steps in the browser.
func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for i, step := range steps {
		waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
		err := chromedp.Do(waiting, step)
		cancel()
		if err != nil {
			shown, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
			t.Fatalf("step %d: %v; the page says:\n%s", i+1, err, shown)
		}
	}
}

// ask returns what the browser answers.
func ask[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	answer, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// history is what the browser would go back to.
func history(t *testing.T, ctx context.Context) []string {
	t.Helper()
	return ask(t, ctx, func(ctx context.Context, target *chromedp.Target) ([]string, error) {
		kept, err := cdp.Call(ctx, target, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return nil, err
		}
		var list []string
		for _, entry := range kept.Entries {
			list = append(list, entry.URL)
		}
		return list, nil
	})
}

// peerRoot may do everything.
var peerRoot = acl.Peer{}
