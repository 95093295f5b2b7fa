package configfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
)

const (
	day = 24 * time.Hour

	commercial = "commercial"
	fedramp    = "fedramp"
)

func readIntegrations(blocks []*integrationBlock, r *reader) map[string]*config.Integration {
	all := make(map[string]*config.Integration)
	first := make(map[string]hcl.Range)
	for _, b := range blocks {
		uniqueName("integration", b.Name, b.NameAt, first, r)
		all[b.Name] = b.read(r)
	}
	return all
}

// uniqueName checks the label of a block that is not a pattern.
func uniqueName(block, name string, at hcl.Range, first map[string]hcl.Range, r *reader) {
	if err := grantname.Valid(name); err != nil {
		r.Fault(at, fmt.Sprintf("Bad name of %s", block), attribute.Sentence(err))
	}
	unique(block, name, at, first, r)
}

func unique(block, name string, at hcl.Range, first map[string]hcl.Range, r *reader) {
	if before, ok := first[name]; ok {
		r.Fault(at, fmt.Sprintf("Duplicate %s %q", block, name),
			fmt.Sprintf("The first one stands at line %d. Remove or rename one of them.", before.Start.Line))
		return
	}
	first[name] = at
}

// read looks at every key, also where the kind is not known; only what a kind
// makes of them is then not judged.
func (b *integrationBlock) read(r *reader) *config.Integration {
	r.Required(b.Kind, b.At, "kind", `Say which dialect it speaks: kind = "rest", "meetings", "service-app", "generic" or "static".`)
	kind := config.Kind(r.Choice(b.Kind, "", string(config.REST), string(config.Meetings), string(config.ServiceApp), string(config.Generic), string(config.Static)))
	i := &config.Integration{Name: b.Name, Kind: kind}
	i.Cloud = r.Choice(b.Cloud, commercial, commercial, fedramp)
	i.ClientID = r.Text(b.ClientID, "")
	i.Secrets = b.secrets(r)
	i.Scopes = r.List(b.Scopes)
	if u := r.URL(b.RedirectURL, "https", "http"); u != nil {
		i.RedirectURL = u.String()
	}
	b.site(r, i)
	b.application(r, i)
	b.endpoints(r, i)
	b.dialect(r, i)
	b.pace(r, i)
	if u := r.URL(b.ProxyURL, "http", "https", "socks5", "socks5h"); u != nil {
		i.ProxyURL = u.String()
	}
	if i.ProxyCredentials.Path = r.Path(b.ProxyCredentialsFile, ""); i.ProxyCredentials.Path != "" {
		r.disk.secret(i.ProxyCredentials, b.ProxyCredentialsFile.Expr.Range(), "credentials of the proxy",
			fmt.Sprintf("grants of integration %q are not refreshed", b.Name))
	}
	i.CAFile = r.Path(b.CAFile, "")
	r.disk.certificates(b.CAFile, i.CAFile)
	b.complete(r, i)
	return i
}

// application reads what a service app needs to be minted; the names
// are those of its page on developer.webex.com.
func (b *integrationBlock) application(r *reader, i *config.Integration) {
	i.ApplicationID = r.Text(b.ApplicationID, "")
	i.TargetOrgID = r.Text(b.TargetOrgID, "")
	i.Manager = r.Text(b.Manager, "")
	if i.Kind == "" {
		return
	}
	if i.Kind == config.ServiceApp {
		r.Required(b.ApplicationID, b.At, "application_id", "It stands on the page of the service app.")
		r.Required(b.TargetOrgID, b.At, "target_org_id", "It is the organisation whose admin authorized the service app.")
		r.Required(b.Manager, b.At, "manager", "Name the grant, with scope spark:applications_token, whose token mints for this one.")
		return
	}
	for _, a := range []*hcl.Attribute{b.ApplicationID, b.TargetOrgID, b.Manager} {
		if a != nil {
			r.Fault(a.NameRange, a.Name+" without a service app", `Remove the line, or set kind = "service-app".`)
		}
	}
}

// checkManagers checks that the grants which mint for service apps are declared,
// and are no service apps in turn: a chain of them would end at nobody.
func checkManagers(blocks []*integrationBlock, c *config.Config, r *reader) {
	for _, b := range blocks {
		i := c.Integrations[b.Name]
		if i == nil || i.Manager == "" || i.Kind != config.ServiceApp {
			continue
		}
		g, ok := c.Grant(i.Manager)
		if !ok {
			r.Fault(b.Manager.Expr.Range(), fmt.Sprintf("Unknown grant %q", i.Manager), "No grant block speaks for the manager.")
			continue
		}
		if of := c.Integrations[g.Integration]; of != nil && of.Kind != config.REST && of.Kind != "" {
			r.Fault(b.Manager.Expr.Range(), fmt.Sprintf("Grant %q cannot be a manager", i.Manager), `Its integration has to be of kind "rest", so that a human can renew it.`)
		}
	}
}

// secrets keeps the order in which they are tried.
func (b *integrationBlock) secrets(r *reader) []config.SecretFile {
	if b.ClientSecret != nil {
		r.Fault(b.ClientSecret.NameRange, "A secret stands in the config text",
			"Put it into a file of its own and name that: client_secret_file. Get a new secret if others could read this one.")
	}
	var list []config.SecretFile
	add := func(a *hcl.Attribute, s config.SecretFile) {
		if s != (config.SecretFile{}) {
			list = append(list, s)
			r.disk.secret(s, a.Expr.Range(), "client secret", fmt.Sprintf("grants of integration %q are not refreshed", b.Name))
		}
	}
	add(b.ClientSecretFile, r.secretFile(b.ClientSecretFile))
	name := r.Text(b.ClientSecretCredential, "")
	if strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		r.Fault(b.ClientSecretCredential.Expr.Range(), "Bad credential name", "It is the name of a file in $CREDENTIALS_DIRECTORY, without a folder.")
		name = ""
	}
	add(b.ClientSecretCredential, config.SecretFile{Credential: name})
	add(b.ClientSecretFileNext, r.secretFile(b.ClientSecretFileNext))
	return list
}

var siteForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)
})

func (b *integrationBlock) site(r *reader, i *config.Integration) {
	i.Site = r.Text(b.Site, "")
	if i.Site != "" && !siteForm().MatchString(i.Site) {
		r.Fault(b.Site.Expr.Range(), "Bad site", "Write the first part of its host name alone: acme for acme.webex.com.")
	}
	i.PrefixSite = r.Flag(b.PrefixSite, false)
	switch {
	case !i.PrefixSite || i.Kind == "":
	case i.Kind != config.Meetings:
		r.Doubt(b.PrefixSite.NameRange, "prefix_site without kind meetings", "Only refresh tokens of Meetings get a prefix. Remove the line.")
	case i.Site == "":
		r.Fault(b.PrefixSite.Range, "prefix_site without a site", `Name the site whose prefix refresh tokens get: site = "acme".`)
	}
}

// dialect fills what the kinds differ in. The lives are those that Cisco
// documents; of FedRAMP's refresh tokens only secondary sources speak, and they
// say 60 days, which is also the careful number.
func (b *integrationBlock) dialect(r *reader, i *config.Integration) {
	style, pkce, rotates := config.InBody, "S256", false
	access, refresh := 14*day, 90*day
	switch i.Kind {
	case config.Meetings:
		pkce = "plain"
		access, refresh = 2*time.Hour, 60*day
	case config.Generic:
		style, rotates = config.Basic, true
		access, refresh = time.Hour, 0
	case config.Static:
		access, refresh = 0, 0
	case config.REST:
		if i.Cloud == fedramp {
			refresh = 60 * day
		}
	}
	i.AuthStyle = config.AuthStyle(r.Choice(b.AuthStyle, string(style), string(config.InBody), string(config.Basic)))
	i.PKCE = r.Choice(b.PKCE, pkce, "S256", "plain", "none")
	if u := r.URL(b.Issuer, "https", "http"); u != nil {
		i.Issuer = u.String()
	}
	b.authorizeParams(r, i)
	i.Rotates = r.Flag(b.Rotates, rotates)
	i.AccessLife = r.Duration(b.AccessLife, access, time.Second)
	i.RefreshLife = r.Duration(b.RefreshLife, refresh, time.Second)
}

// authorizeParams reads what goes to the authorization page beside the rest. What
// the daemon sets itself cannot be set here.
func (b *integrationBlock) authorizeParams(r *reader, i *config.Integration) {
	i.AuthorizeParams = r.Texts(b.AuthorizeParams, `{ prompt = "consent" }`)
	for _, name := range []string{"response_type", "client_id", "client_secret", "redirect_uri", "state", "scope", "code_challenge", "code_challenge_method"} {
		if _, set := i.AuthorizeParams[name]; set {
			r.Fault(b.AuthorizeParams.Expr.Range(), fmt.Sprintf("authorize_params cannot set %s", name),
				"The daemon sets it for each consent. Scopes stand in scopes, the method of PKCE in pkce.")
		}
	}
	if b.AuthorizeParams != nil && i.Kind == config.Static {
		r.Doubt(b.AuthorizeParams.NameRange, "authorize_params of kind static", "Nobody consents to a static token. Remove the line.")
	}
}

func (b *integrationBlock) pace(r *reader, i *config.Integration) {
	i.Concurrency = r.Count(b.Concurrency, 16, 1, 1024)
	i.MinInterval = r.Duration(b.MinInterval, time.Minute, time.Second)
	if s, ok := r.Str(b.Rate); ok {
		if i.Rate, ok = parseRate(s); !ok {
			r.Fault(b.Rate.Expr.Range(), "Bad rate", `Write requests per second, minute or hour: "10/s", "300/m" or "1000/h".`)
		}
	}
}

// parseRate returns requests per second.
func parseRate(s string) (float64, bool) {
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(number, 10, 31)
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || n == 0 || seconds == 0 {
		return 0, false
	}
	return float64(n) / seconds, true
}

// complete finds what is missing for the kind to work at all.
func (b *integrationBlock) complete(r *reader, i *config.Integration) {
	switch i.Kind {
	case "":
		return
	case config.Static:
		if b.ClientID != nil {
			r.Doubt(b.ClientID.NameRange, "client_id of kind static", "A static token belongs to no client that could renew it. Remove the line, or choose another kind.")
		}
		return
	}
	r.Required(b.ClientID, b.At, "client_id", "It stands on the integration's page where it was registered.")
	if i.TokenURL == "" && b.TokenURL == nil {
		r.Fault(b.At, "Missing token_url", fmt.Sprintf("No token endpoint is known for kind %s in the cloud %s.", i.Kind, i.Cloud))
	}
	public := b.ClientSecret == nil && b.ClientSecretFile == nil && b.ClientSecretCredential == nil && b.ClientSecretFileNext == nil
	if public && i.Kind != config.Generic {
		r.Fault(b.At, "Missing client secret",
			"Webex wants one from every client: client_secret_file names a file, client_secret_credential a systemd credential.")
	}
}
