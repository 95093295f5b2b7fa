package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"webex-tokend/daemon/grantname"
)

const (
	commercial = "commercial"
	fedramp    = "fedramp"
)

func (r *reader) integrations(blocks []*integrationBlock) map[string]*Integration {
	all := make(map[string]*Integration)
	first := make(map[string]hcl.Range)
	for _, b := range blocks {
		r.uniqueName("integration", b.Name, b.NameAt, first)
		if i := r.integration(b); i != nil {
			all[b.Name] = i
		}
	}
	return all
}

// uniqueName checks the label of a block that is not a pattern.
func (r *reader) uniqueName(block, name string, at hcl.Range, first map[string]hcl.Range) {
	if err := grantname.Valid(name); err != nil {
		r.fault(at, fmt.Sprintf("Bad name of %s", block), sentence(err))
	}
	r.unique(block, name, at, first)
}

func (r *reader) unique(block, name string, at hcl.Range, first map[string]hcl.Range) {
	if before, ok := first[name]; ok {
		r.fault(at, fmt.Sprintf("Duplicate %s %q", block, name),
			fmt.Sprintf("The first one stands at line %d. Remove or rename one of them.", before.Start.Line))
		return
	}
	first[name] = at
}

// integration returns nil where the kind is not known: no other key can be
// judged then.
func (r *reader) integration(b *integrationBlock) *Integration {
	if !r.required(b.Kind, b.At, "kind", `Say which dialect it speaks: kind = "rest", "meetings", "service-app", "generic" or "static".`) {
		return nil
	}
	kind := Kind(r.choice(b.Kind, "", string(REST), string(Meetings), string(ServiceApp), string(Generic), string(Static)))
	if kind == "" {
		return nil
	}
	i := &Integration{Name: b.Name, Kind: kind}
	i.Cloud = r.choice(b.Cloud, commercial, commercial, fedramp)
	i.ClientID = r.text(b.ClientID, "")
	i.Secrets = r.secrets(b)
	i.Scopes = r.list(b.Scopes)
	if u := r.url(b.RedirectURL, "https", "http"); u != nil {
		i.RedirectURL = u.String()
	}
	r.site(b, i)
	r.application(b, i)
	r.endpoints(b, i)
	r.dialect(b, i)
	r.pace(b, i)
	if u := r.url(b.ProxyURL, "http", "https", "socks5", "socks5h"); u != nil {
		i.ProxyURL = u.String()
	}
	i.CAFile = r.path(b.CAFile, "")
	r.checkCertificates(b.CAFile, i.CAFile)
	r.complete(b, i)
	return i
}

// application reads what a service app needs to be minted; the names
// are those of its page on developer.webex.com.
func (r *reader) application(b *integrationBlock, i *Integration) {
	i.ApplicationID = r.text(b.ApplicationID, "")
	i.TargetOrgID = r.text(b.TargetOrgID, "")
	i.Manager = r.text(b.Manager, "")
	if i.Kind == ServiceApp {
		r.required(b.ApplicationID, b.At, "application_id", "It stands on the page of the service app.")
		r.required(b.TargetOrgID, b.At, "target_org_id", "It is the organisation whose admin authorized the service app.")
		r.required(b.Manager, b.At, "manager", "Name the grant, with scope spark:applications_token, whose token mints for this one.")
		return
	}
	for _, a := range []*hcl.Attribute{b.ApplicationID, b.TargetOrgID, b.Manager} {
		if a != nil {
			r.fault(a.NameRange, a.Name+" without a service app", `Remove the line, or set kind = "service-app".`)
		}
	}
}

// managers checks that the grants which mint for service apps are declared,
// and are no service apps in turn: a chain of them would end at nobody.
func (r *reader) managers(blocks []*integrationBlock, c *Config) {
	for _, b := range blocks {
		i := c.Integrations[b.Name]
		if i == nil || i.Manager == "" || i.Kind != ServiceApp {
			continue
		}
		g, ok := c.Grant(i.Manager)
		if !ok {
			r.fault(b.Manager.Expr.Range(), fmt.Sprintf("Unknown grant %q", i.Manager), "No grant block speaks for the manager.")
			continue
		}
		if of := c.Integrations[g.Integration]; of != nil && of.Kind != REST {
			r.fault(b.Manager.Expr.Range(), fmt.Sprintf("Grant %q cannot be a manager", i.Manager), `Its integration has to be of kind "rest", so that a human can renew it.`)
		}
	}
}

// secrets keeps the order in which they are tried.
func (r *reader) secrets(b *integrationBlock) []SecretFile {
	if b.ClientSecret != nil {
		r.fault(b.ClientSecret.NameRange, "A secret stands in the config text",
			"Put it into a file of its own and name that: client_secret_file. Get a new secret if others could read this one.")
	}
	var list []SecretFile
	add := func(a *hcl.Attribute, s SecretFile) {
		if s != (SecretFile{}) {
			list = append(list, s)
			r.checkSecret(s, a.Expr.Range(), "client secret", fmt.Sprintf("grants of integration %q are not refreshed", b.Name))
		}
	}
	add(b.ClientSecretFile, SecretFile{Path: r.path(b.ClientSecretFile, "")})
	name := r.text(b.ClientSecretCredential, "")
	if strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		r.fault(b.ClientSecretCredential.Expr.Range(), "Bad credential name", "It is the name of a file in $CREDENTIALS_DIRECTORY, without a folder.")
		name = ""
	}
	add(b.ClientSecretCredential, SecretFile{Credential: name})
	add(b.ClientSecretFileNext, SecretFile{Path: r.path(b.ClientSecretFileNext, "")})
	return list
}

var siteForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,63}$`)

func (r *reader) site(b *integrationBlock, i *Integration) {
	i.Site = r.text(b.Site, "")
	if i.Site != "" && !siteForm.MatchString(i.Site) {
		r.fault(b.Site.Expr.Range(), "Bad site", "Write the first part of its host name alone: acme for acme.webex.com.")
	}
	i.PrefixSite = r.flag(b.PrefixSite, false)
	switch {
	case !i.PrefixSite:
	case i.Kind != Meetings:
		r.doubt(b.PrefixSite.NameRange, "prefix_site without kind meetings", "Only refresh tokens of Meetings get a prefix. Remove the line.")
	case i.Site == "":
		r.fault(b.PrefixSite.Range, "prefix_site without a site", `Name the site whose prefix refresh tokens get: site = "acme".`)
	}
}

// dialect fills what the kinds differ in. The lives are those that Cisco
// documents; of FedRAMP's refresh tokens only secondary sources speak, and they
// say 60 days, which is also the careful number.
func (r *reader) dialect(b *integrationBlock, i *Integration) {
	style, pkce, rotates := InBody, "S256", false
	access, refresh := 14*day, 90*day
	switch i.Kind {
	case Meetings:
		pkce = "plain"
		access, refresh = 2*time.Hour, 60*day
	case Generic:
		style, rotates = Basic, true
		access, refresh = time.Hour, 0
	case Static:
		access, refresh = 0, 0
	case REST:
		if i.Cloud == fedramp {
			refresh = 60 * day
		}
	}
	i.AuthStyle = AuthStyle(r.choice(b.AuthStyle, string(style), string(InBody), string(Basic)))
	i.PKCE = r.choice(b.PKCE, pkce, "S256", "plain", "none")
	if u := r.url(b.Issuer, "https", "http"); u != nil {
		i.Issuer = u.String()
	}
	i.Rotates = r.flag(b.Rotates, rotates)
	i.AccessLife = r.duration(b.AccessLife, access, time.Second)
	i.RefreshLife = r.duration(b.RefreshLife, refresh, time.Second)
}

func (r *reader) pace(b *integrationBlock, i *Integration) {
	i.Concurrency = r.count(b.Concurrency, 16, 1, 1024)
	i.MinInterval = r.duration(b.MinInterval, time.Minute, time.Second)
	if s, ok := r.str(b.Rate); ok {
		if i.Rate, ok = parseRate(s); !ok {
			r.fault(b.Rate.Expr.Range(), "Bad rate", `Write requests per second, minute or hour: "10/s", "300/m" or "1000/h".`)
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
func (r *reader) complete(b *integrationBlock, i *Integration) {
	if i.Kind == Static {
		if b.ClientID != nil {
			r.doubt(b.ClientID.NameRange, "client_id of kind static", "A static token belongs to no client that could renew it. Remove the line, or choose another kind.")
		}
		return
	}
	r.required(b.ClientID, b.At, "client_id", "It stands on the integration's page where it was registered.")
	if i.TokenURL == "" && b.TokenURL == nil {
		r.fault(b.At, "Missing token_url", fmt.Sprintf("No token endpoint is known for kind %s in the cloud %s.", i.Kind, i.Cloud))
	}
	public := b.ClientSecret == nil && b.ClientSecretFile == nil && b.ClientSecretCredential == nil && b.ClientSecretFileNext == nil
	if public && i.Kind != Generic {
		r.fault(b.At, "Missing client secret",
			"Webex wants one from every client: client_secret_file names a file, client_secret_credential a systemd credential.")
	}
}
