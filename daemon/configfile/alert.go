package configfile

import (
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/duration"
)

// leastBefore is as near to an end as an alert makes sense: somebody must have
// the time to read it.
const leastBefore = time.Minute

func (b *alertBlock) read(r *reader) config.Alert {
	a := config.Alert{Before: []time.Duration{28 * day, 14 * day, 7 * day, 3 * day, day, 12 * time.Hour}}
	if b == nil {
		return a
	}
	if b.Before != nil {
		a.Before = countdown(b.Before, r, a.Before)
	}
	if b.Command != nil {
		a.Command = r.command(b.Command)
	}
	if u := r.URL(b.WebhookURL, "https", "http"); u != nil {
		a.WebhookURL = u.String()
	}
	if path := r.Path(b.WebhookSecretFile, ""); path != "" {
		a.WebhookSecret = &config.SecretFile{Path: path, Disk: r.calls()}
		r.disk.secret(*a.WebhookSecret, b.WebhookSecretFile.Expr.Range(), "webhook secret", "nothing is posted to the webhook")
	}
	if b.WebhookSecretFile != nil && b.WebhookURL == nil {
		r.Fault(b.WebhookSecretFile.NameRange, "webhook_secret_file without webhook_url", "It signs what is posted there. Name the URL too.")
	}
	return a
}

// countdown is a list of durations that become shorter.
func countdown(a *hcl.Attribute, r *reader, def []time.Duration) []time.Duration {
	elements, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() || len(elements) == 0 {
		r.Fault(a.Expr.Range(), a.Name+" is not a list of durations", `Write at least one, the longest first: `+a.Name+` = ["14d", "3d", "12h"].`)
		return def
	}
	var list []time.Duration
	for _, e := range elements {
		v, ok := r.Value(e)
		if !ok || v.Type() != cty.String {
			r.Fault(e.Range(), a.Name+" holds something that is not text", "Write every element in quotes.")
			return def
		}
		d, err := duration.Parse(v.AsString())
		switch {
		case err != nil:
			r.Fault(e.Range(), "Bad duration", attribute.Sentence(err))
			return def
		case d < leastBefore:
			r.Fault(e.Range(), a.Name+" holds too short a time", "The least is "+duration.Format(leastBefore)+".")
			return def
		case len(list) > 0 && d >= list[len(list)-1]:
			r.Fault(e.Range(), a.Name+" is not in order", "Write the longest first, and each once: "+duration.Format(d)+" stands behind "+duration.Format(list[len(list)-1])+".")
			return def
		}
		list = append(list, d)
	}
	return list
}
