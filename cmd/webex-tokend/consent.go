package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/wire"
)

// A follower waits for a consent in all ways in which it can end: the page of
// the daemon, a link, a device, a redirect that this process catches, or an
// address that is pasted. The first one counts. Everything said on the way goes
// to stderr, so that stdout has the outcome alone.
type follower struct {
	*console
	daemon *client.Client
	begun  wire.Authorization
	ended  chan ending
	// leaveBrowser ends the handover to the browser that was opened.
	leaveBrowser func()
}

// An ending reports the outcome of a consent, or why it cannot be followed.
type ending struct {
	wire.Authorization
	err error
}

// followConsent leads the person through and returns how it ended.
func (c *console) followConsent(ctx context.Context, daemon *client.Client, a wire.Authorization, paste bool) (wire.Authorization, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &follower{console: c, daemon: daemon, begun: a, ended: make(chan ending, 3), leaveBrowser: func() {}}
	prompted := false
	switch {
	case a.State == wire.Linked:
		fmt.Fprintf(c.err, "Waiting for the person; Ctrl-C leaves the link as it is.\n")
	case a.Method == "device":
		c.showDevice(a)
	default:
		catches, stop := f.catch(ctx)
		defer stop()
		prompted = f.show(ctx, paste, catches)
		defer f.leaveBrowser()
		go f.readPasted(ctx, paste || !a.Served && !catches)
	}
	go f.poll(ctx)
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case e := <-f.ended:
			if prompted && isTerminal(c.in) && e.err == nil {
				fmt.Fprintln(c.err) // the prompt stands without an answer
			}
			return e.Authorization, e.err
		case <-timeout.C:
			if a.Method != "device" && a.State != wire.Linked && isTerminal(c.in) {
				fmt.Fprint(c.err, "\nNo answer yet. Where the browser shows that the administrator denied access, it never\n"+
					"comes back: an admin allows the integration in Control Hub, Apps, Integrations.\n")
			}
		}
	}
}

// poll asks the daemon until the consent has ended, whoever ended it.
func (f *follower) poll(ctx context.Context) {
	for ctx.Err() == nil {
		a, err := f.daemon.Authorization(ctx, f.begun.ID)
		if err != nil || a.State == wire.Done || a.State == wire.Failed {
			f.ended <- ending{a, err}
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// catch listens where the browser is sent back to, when the daemon does not and
// it is on this host.
func (f *follower) catch(ctx context.Context) (catches bool, stop func()) {
	if f.begun.Served || !hasBrowser() {
		return false, func() {}
	}
	catcher, err := newCatcher(ctx, f.begun.RedirectURL)
	if err != nil {
		fmt.Fprintf(f.err, "%v\n", err)
		return false, func() {}
	}
	go func() {
		a, err := catcher.wait(ctx, func(redirectURL string) (wire.Authorization, error) {
			return f.daemon.FinishAuthorization(ctx, f.begun.ID, redirectURL)
		})
		if ctx.Err() == nil {
			f.ended <- ending{a, err}
		}
	}()
	return true, catcher.close
}

// show says how to consent, the way with the least work first. It reports
// whether it ended in a prompt for the address.
func (f *follower) show(ctx context.Context, paste, catches bool) (prompted bool) {
	a := f.begun
	ask := "Paste the whole address here: "
	switch tunnel := f.tunnel(); {
	case !paste && hasBrowser() && (a.Served || catches):
		link := cmp.Or(a.PageURL, a.URL)
		fmt.Fprintf(f.err, "Consent in the browser that opens now, or open:\n\n  %s\n\n", link)
		if h, err := showInBrowser(ctx, link); err != nil {
			fmt.Fprintf(f.err, "no browser opened: %v\n", err)
		} else {
			f.leaveBrowser = h.close
		}
		return false
	case !paste && a.Served && tunnel == "":
		fmt.Fprintf(f.err, "Open this link in any browser and consent:\n\n  %s\n\nThe outcome shows here too.\n", a.PageURL)
		return false
	case !paste && a.Served:
		fmt.Fprintf(f.err, "On the computer with your browser, open a tunnel to this host:\n\n  %s\n\nThen open this link there and consent; the outcome shows here too:\n\n  %s\n\n"+
			"Or without a tunnel open this one:\n\n  %s\n\nThe browser ends at an address that begins with %s\nand cannot be reached. ", tunnel, a.PageURL, a.URL, a.RedirectURL)
	default:
		fmt.Fprintf(f.err, "Open this link in any browser and consent:\n\n  %s\n\n"+
			"The browser ends at an address that begins with %s\nand may say that it cannot be reached. ", a.URL, a.RedirectURL)
	}
	fmt.Fprint(f.err, ask)
	return true
}

// tunnel is the command by which a browser elsewhere reaches the page that the
// redirect leads to; empty where it is reached without.
func (f *follower) tunnel() string {
	u, err := url.Parse(f.begun.RedirectURL)
	if err != nil || !isLoopback(u.Hostname()) {
		return ""
	}
	port := cmp.Or(u.Port(), "80")
	host, err := os.Hostname()
	if err != nil {
		host = "HOST"
	}
	return fmt.Sprintf("ssh -L %s:%s %s", port, net.JoinHostPort(u.Hostname(), port), host)
}

// readPasted takes the address from a line of input. On a terminal a line of no
// use is asked for again. The end of the input ends the consent where no other
// way is left. A read cannot be called off: it ends with the process at the
// latest.
func (f *follower) readPasted(ctx context.Context, onlyWay bool) {
	in := bufio.NewReader(f.in)
	for {
		line, err := in.ReadString('\n')
		if ctx.Err() != nil {
			return
		}
		if line = strings.TrimSpace(line); line != "" {
			a, err := f.daemon.FinishAuthorization(ctx, f.begun.ID, line)
			p, refused := errors.AsType[*client.Problem](err)
			if !refused || p.Status != http.StatusUnprocessableEntity || !isTerminal(f.in) {
				f.ended <- ending{a, err}
				return
			}
			fmt.Fprintf(f.err, "%v\nPaste the whole address here: ", err)
		}
		switch {
		case err == nil:
		case !onlyWay:
			return
		case err == io.EOF:
			f.ended <- ending{err: errors.New("nothing was pasted")}
			return
		default:
			f.ended <- ending{err: fmt.Errorf("read address: %w", err)}
			return
		}
	}
}
