package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon"
	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/duration"
)

func newDemo(c *console) *cobra.Command {
	var limit string
	hosts := 1
	cmd := &cobra.Command{
		Use:   "demo [--for DURATION] [--hosts N]",
		Short: "Show the whole thing at work, on loopback and for nothing",
		Long: `Run an emulated Webex and the daemon in one process and a temporary folder. Two
grants have lives short enough to watch: one like the Meetings XML API, whose
tokens live 2 hours in earnest, and one like the REST API with 14 days. The
emulator is moody: now and then it answers too many requests, an error, or the
same token again. The link that is printed opens the web pages, once; there, a
grant can be renewed by a consent.

With --hosts 3 there are three daemons that share their store over a cluster of
three etcd servers, for which an etcd server must be on the PATH. One daemon is in
office and refreshes; all of them have the tokens.`,
		Example: `  webex-tokend demo
  webex-tokend demo --for 60s
  webex-tokend demo --hosts 3`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			during, err := duration.Parse(limit)
			if err != nil {
				return usage(cmd, "--for: %v", err)
			}
			if hosts < 1 || hosts > mostDemoHosts {
				return usage(cmd, "--hosts takes a number from 1 to %d, not %d", mostDemoHosts, hosts)
			}
			return c.demo(cmd.Context(), during, hosts)
		},
	}
	cmd.Flags().StringVar(&limit, "for", "0s", "end after that `duration`, such as 60s; 0s: at Ctrl-C")
	cmd.Flags().IntVar(&hosts, "hosts", hosts, "run `N` daemons that share their store over etcd")
	return cmd
}

// demo ends with nil when it was asked to end, by Ctrl-C or after a while.
func (c *console) demo(ctx context.Context, during time.Duration, hosts int) (err error) {
	var etcd string
	if hosts > 1 {
		if etcd, err = findEtcd(); err != nil {
			return err
		}
	}
	c.lastingOutput()
	if during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, during)
		defer cancel()
	}
	stage, err := setStage(hosts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.clear()) }()
	if hosts > 1 {
		cluster, err := startEtcd(ctx, etcd, stage.folder, stage.etcd)
		if ctx.Err() != nil {
			return nil // it was asked to end
		}
		if err != nil {
			return err
		}
		defer cluster.stop()
	}
	configs := make([]*config.Config, len(stage.places))
	for i, p := range stage.places {
		if configs[i], err = configfile.Load(p.config, configfile.Options{Strict: true}); err != nil {
			return err
		}
	}
	// The daemon outlives the show, whose last picture is taken from it.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, len(configs))
	for _, cfg := range configs {
		go func() {
			defer stop()
			ended <- daemon.Run(running, daemon.Config{Config: cfg})
		}()
	}
	show, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(running, cancel)
	err = c.perform(show, stage)
	if show.Err() != nil {
		err = nil // it was asked to end, or the daemon tells why it did
	}
	stop()
	for range configs {
		err = errors.Join(<-ended, err)
	}
	return err
}

// perform registers the grants and tells what happens to them.
func (c *console) perform(ctx context.Context, s *stage) error {
	first := s.places[0]
	daemon := client.New(client.Config{Socket: first.socket})
	defer daemon.Close()
	if err := s.await(ctx); err != nil {
		return err
	}
	page := ""
	if door, err := daemon.Web(ctx); err == nil {
		page = door.URL + " (opens once)"
	} else {
		page = err.Error()
	}
	s.introduce(c, page)
	for _, kind := range s.kinds() {
		response := bytes.NewReader(s.announced.Responses[kind])
		if _, err := daemon.Import(ctx, s.grant(kind), client.Import{Content: response}); err != nil {
			return fmt.Errorf("register grant %s: %w", s.grant(kind), err)
		}
	}
	picture := statusCommand{console: &console{out: c.out, err: c.err, socket: first.socket}}
	happened, stop := eventsOf(ctx, daemon)
	defer stop()
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	refreshes := 0
	for {
		select {
		case e := <-happened:
			refreshes += c.tell(s, e)
		case <-tick.C:
			fmt.Fprintln(c.out)
			err := drawAsInvoked(ctx, picture, daemon)
			if err == nil && len(s.places) > 1 {
				fmt.Fprintln(c.out)
				err = drawHostsOf(ctx, c.out, daemon)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(c.out)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			fmt.Fprintf(c.out, "\nThe end: %d tokens refreshed.\n\n", refreshes)
			return drawAsInvoked(last, picture, daemon)
		}
	}
}

// drawAsInvoked draws the grants, with commands as they work from where the demo was
// started.
func drawAsInvoked(ctx context.Context, picture statusCommand, daemon *client.Client) error {
	var drawn bytes.Buffer
	if err := picture.draw(ctx, daemon, &drawn, screenOf(picture.out)); err != nil {
		return err
	}
	_, err := io.WriteString(picture.out, strings.ReplaceAll(drawn.String(), "webex-tokend ", invocation()+" "))
	return err
}

// drawHostsOf draws the hosts as one of them knows them.
func drawHostsOf(ctx context.Context, w io.Writer, daemon *client.Client) error {
	found, err := daemon.Hosts(ctx)
	if err != nil {
		return err
	}
	return drawHosts(w, found.Hosts)
}

// awaitDaemon asks until the daemon answers.
func awaitDaemon(ctx context.Context, daemon *client.Client) error {
	for {
		_, err := daemon.Status(ctx)
		if !errors.Is(err, client.ErrUnreachable) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func eventsOf(ctx context.Context, daemon *client.Client) (<-chan client.Event, func()) {
	ctx, stop := context.WithCancel(ctx)
	events := make(chan client.Event)
	go func() {
		for e, err := range daemon.Events(ctx, 0) {
			if err != nil {
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, stop
}

// tell prints one line for an event that is worth it and counts new tokens.
func (c *console) tell(s *stage, e client.Event) (refreshed int) {
	when := e.At.Local().Format(time.TimeOnly)
	switch e.Kind {
	case "refreshed":
		fmt.Fprintf(c.out, "%s  %-14s refreshed, generation %d; %s\n", when, e.Grant, e.Generation, s.look(e.Grant))
		return 1
	case "registered":
		fmt.Fprintf(c.out, "%s  %-14s registered, generation %d\n", when, e.Grant, e.Generation)
	case "failed":
		fmt.Fprintf(c.out, "%s  %-14s not refreshed (%s), the daemon tries again\n", when, e.Grant, e.Reason)
	}
	return 0
}
