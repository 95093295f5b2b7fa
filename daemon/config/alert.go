package config

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"webex-tokend/daemon/duration"
)

// Alert says when people are told that a grant needs them, and how. The log
// tells in any case.
type Alert struct {
	// Before lists how long before the end of a refresh window, or of a token
	// that nobody can refresh, it is told; the longest first, at least one.
	Before []time.Duration
	// Command is a program with its arguments; empty: none.
	Command []string
	// WebhookURL receives alerts by POST; empty: none. The path may be a secret
	// in itself: it belongs in no log.
	WebhookURL string
	// WebhookSecret signs what is posted; nil: nothing does.
	WebhookSecret *SecretFile
}

// leastBefore is as near to an end as an alert makes sense: somebody must have
// the time to read it.
const leastBefore = time.Minute

func (r *reader) alert(b *alertBlock) Alert {
	a := Alert{Before: []time.Duration{28 * day, 14 * day, 7 * day, 3 * day, day, 12 * time.Hour}}
	if b == nil {
		return a
	}
	if b.Before != nil {
		a.Before = r.countdown(b.Before, a.Before)
	}
	if b.Command != nil {
		a.Command = r.command(b.Command)
	}
	if u := r.url(b.WebhookURL, "https", "http"); u != nil {
		a.WebhookURL = u.String()
	}
	if path := r.path(b.WebhookSecretFile, ""); path != "" {
		a.WebhookSecret = &SecretFile{Path: path}
		r.checkSecret(*a.WebhookSecret, b.WebhookSecretFile.Expr.Range(), "webhook secret", "nothing is posted to the webhook")
	}
	if b.WebhookSecretFile != nil && b.WebhookURL == nil {
		r.fault(b.WebhookSecretFile.NameRange, "webhook_secret_file without webhook_url", "It signs what is posted there. Name the URL too.")
	}
	return a
}

// countdown is a list of durations that become shorter.
func (r *reader) countdown(a *hcl.Attribute, def []time.Duration) []time.Duration {
	elements, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() || len(elements) == 0 {
		r.fault(a.Expr.Range(), a.Name+" is not a list of durations", `Write at least one, the longest first: `+a.Name+` = ["14d", "3d", "12h"].`)
		return def
	}
	var list []time.Duration
	for _, e := range elements {
		v, ok := r.value(e)
		if !ok || v.Type() != cty.String {
			r.fault(e.Range(), a.Name+" holds something that is not text", "Write every element in quotes.")
			return def
		}
		d, err := duration.Parse(v.AsString())
		switch {
		case err != nil:
			r.fault(e.Range(), "Bad duration", sentence(err))
			return def
		case d < leastBefore:
			r.fault(e.Range(), a.Name+" holds too short a time", "The least is "+duration.Format(leastBefore)+".")
			return def
		case len(list) > 0 && d >= list[len(list)-1]:
			r.fault(e.Range(), a.Name+" is not in order", "Write the longest first, and each once: "+duration.Format(d)+" stands behind "+duration.Format(list[len(list)-1])+".")
			return def
		}
		list = append(list, d)
	}
	return list
}
