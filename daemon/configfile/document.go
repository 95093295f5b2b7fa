package configfile

import "github.com/hashicorp/hcl/v2"

// The types of this file are the grammar. Attributes stay unevaluated, so that
// every fault found in them later can point at its place in the source.

type document struct {
	StateDir    *hcl.Attribute      `hcl:"state_dir"`
	RuntimeDir  *hcl.Attribute      `hcl:"runtime_dir"`
	LogLevel    *hcl.Attribute      `hcl:"log_level"`
	LogLevels   *hcl.Attribute      `hcl:"log_levels"`
	LogFormat   *hcl.Attribute      `hcl:"log_format"`
	API         *apiBlock           `hcl:"api,block"`
	HTTP        *httpBlock          `hcl:"http,block"`
	Seal        *sealBlock          `hcl:"seal,block"`
	Store       *storeBlock         `hcl:"store,block"`
	Integration []*integrationBlock `hcl:"integration,block"`
	Grant       []*grantBlock       `hcl:"grant,block"`
	Allow       []*allowBlock       `hcl:"allow,block"`
	Alert       *alertBlock         `hcl:"alert,block"`
	Maintenance *maintenanceBlock   `hcl:"maintenance,block"`
}

type apiBlock struct {
	Socket           *hcl.Attribute `hcl:"socket"`
	Mode             *hcl.Attribute `hcl:"mode"`
	Group            *hcl.Attribute `hcl:"group"`
	CredentialSocket *hcl.Attribute `hcl:"credential_socket"`
}

type httpBlock struct {
	At            hcl.Range      `hcl:",def_range"`
	Listen        *hcl.Attribute `hcl:"listen"`
	PublicURL     *hcl.Attribute `hcl:"public_url"`
	WebConfigFile *hcl.Attribute `hcl:"web_config_file"`
}

type storeBlock struct {
	At     hcl.Range      `hcl:",def_range"`
	Engine *hcl.Attribute `hcl:"engine"`
	Host   *hcl.Attribute `hcl:"host"`
	Etcd   *etcdBlock     `hcl:"etcd,block"`
}

type etcdBlock struct {
	At           hcl.Range      `hcl:",def_range"`
	Endpoints    *hcl.Attribute `hcl:"endpoints"`
	Prefix       *hcl.Attribute `hcl:"prefix"`
	CAFile       *hcl.Attribute `hcl:"ca_file"`
	CertFile     *hcl.Attribute `hcl:"cert_file"`
	KeyFile      *hcl.Attribute `hcl:"key_file"`
	Username     *hcl.Attribute `hcl:"username"`
	PasswordFile *hcl.Attribute `hcl:"password_file"`
}

type sealBlock struct {
	At      hcl.Range      `hcl:",def_range"`
	KeyFile *hcl.Attribute `hcl:"key_file"`
}

type integrationBlock struct {
	Name   string    `hcl:"name,label"`
	NameAt hcl.Range `hcl:"name,label_range"`
	At     hcl.Range `hcl:",def_range"`

	Kind                   *hcl.Attribute `hcl:"kind"`
	Cloud                  *hcl.Attribute `hcl:"cloud"`
	ClientID               *hcl.Attribute `hcl:"client_id"`
	ClientSecret           *hcl.Attribute `hcl:"client_secret"` // in order to refuse it
	ClientSecretFile       *hcl.Attribute `hcl:"client_secret_file"`
	ClientSecretCredential *hcl.Attribute `hcl:"client_secret_credential"`
	ClientSecretFileNext   *hcl.Attribute `hcl:"client_secret_file_next"`
	Scopes                 *hcl.Attribute `hcl:"scopes"`
	RedirectURL            *hcl.Attribute `hcl:"redirect_url"`
	Site                   *hcl.Attribute `hcl:"site"`
	PrefixSite             *hcl.Attribute `hcl:"prefix_site"`

	AuthorizeURL       *hcl.Attribute `hcl:"authorize_url"`
	TokenURL           *hcl.Attribute `hcl:"token_url"`
	DeviceAuthorizeURL *hcl.Attribute `hcl:"device_authorize_url"`
	DeviceTokenURL     *hcl.Attribute `hcl:"device_token_url"`
	RevokeURL          *hcl.Attribute `hcl:"revoke_url"`
	APIURL             *hcl.Attribute `hcl:"api_url"`

	AuthStyle            *hcl.Attribute `hcl:"auth_style"`
	PKCE                 *hcl.Attribute `hcl:"pkce"`
	Issuer               *hcl.Attribute `hcl:"issuer"`
	AuthorizeParams      *hcl.Attribute `hcl:"authorize_params"`
	Rotates              *hcl.Attribute `hcl:"rotates"`
	AccessLife           *hcl.Attribute `hcl:"access_life"`
	RefreshLife          *hcl.Attribute `hcl:"refresh_life"`
	Rate                 *hcl.Attribute `hcl:"rate"`
	Concurrency          *hcl.Attribute `hcl:"concurrency"`
	MinInterval          *hcl.Attribute `hcl:"min_interval"`
	ProxyURL             *hcl.Attribute `hcl:"proxy_url"`
	ProxyCredentialsFile *hcl.Attribute `hcl:"proxy_credentials_file"`
	CAFile               *hcl.Attribute `hcl:"ca_file"`

	ApplicationID *hcl.Attribute `hcl:"application_id"`
	TargetOrgID   *hcl.Attribute `hcl:"target_org_id"`
	Manager       *hcl.Attribute `hcl:"manager"`
}

type grantBlock struct {
	Name   string    `hcl:"name,label"`
	NameAt hcl.Range `hcl:"name,label_range"`
	At     hcl.Range `hcl:",def_range"`

	Integration *hcl.Attribute `hcl:"integration"`
	Labels      *hcl.Attribute `hcl:"labels"`
	Seed        *seedBlock     `hcl:"seed,block"`
	Refresh     *refreshBlock  `hcl:"refresh,block"`
	File        []*fileBlock   `hcl:"file,block"`
	Hook        []*hookBlock   `hcl:"hook,block"`
}

type seedBlock struct {
	At     hcl.Range      `hcl:",def_range"`
	File   *hcl.Attribute `hcl:"file"`
	Format *hcl.Attribute `hcl:"format"`
}

type refreshBlock struct {
	At       *hcl.Attribute `hcl:"at"`
	Calendar *hcl.Attribute `hcl:"calendar"`
}

type fileBlock struct {
	At           hcl.Range      `hcl:",def_range"`
	Path         *hcl.Attribute `hcl:"path"`
	Format       *hcl.Attribute `hcl:"format"`
	Variable     *hcl.Attribute `hcl:"variable"`
	Mode         *hcl.Attribute `hcl:"mode"`
	Owner        *hcl.Attribute `hcl:"owner"`
	Group        *hcl.Attribute `hcl:"group"`
	Template     *hcl.Attribute `hcl:"template"`
	TemplateFile *hcl.Attribute `hcl:"template_file"`
	Meta         *hcl.Attribute `hcl:"meta"`
}

type hookBlock struct {
	At      hcl.Range      `hcl:",def_range"`
	Command *hcl.Attribute `hcl:"command"`
	Timeout *hcl.Attribute `hcl:"timeout"`
	Stdin   *hcl.Attribute `hcl:"stdin"`
	PIDFile *hcl.Attribute `hcl:"pid_file"`
	Signal  *hcl.Attribute `hcl:"signal"`
}

type allowBlock struct {
	At          hcl.Range      `hcl:",def_range"`
	Users       *hcl.Attribute `hcl:"users"`
	Groups      *hcl.Attribute `hcl:"groups"`
	Units       *hcl.Attribute `hcl:"units"`
	WebUsers    *hcl.Attribute `hcl:"web_users"`
	ClientNames *hcl.Attribute `hcl:"client_names"`
	Actions     *hcl.Attribute `hcl:"actions"`
	Grants      *hcl.Attribute `hcl:"grants"`
}

type alertBlock struct {
	Before            *hcl.Attribute `hcl:"before"`
	Command           *hcl.Attribute `hcl:"command"`
	WebhookURL        *hcl.Attribute `hcl:"webhook_url"`
	WebhookSecretFile *hcl.Attribute `hcl:"webhook_secret_file"`
}

type maintenanceBlock struct {
	Sweep    *hcl.Attribute `hcl:"sweep"`
	Backup   *hcl.Attribute `hcl:"backup"`
	Keep     *hcl.Attribute `hcl:"keep"`
	Textfile *hcl.Attribute `hcl:"textfile"`
}
