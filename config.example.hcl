# webex-tokend, /etc/webex-tokend/config.hcl
#
# Every setting with its default, or with an example where there is none. Lines
# that are commented out show what else there is. Check a file with
#
#   webex-tokend validate --config FILE
#
# The daemon notices when this file is saved and takes the new one only if it
# is without fault. Durations are written "90s", "10m", "12h", "14d", "1d12h".
# No secret stands in this file: secrets have files of their own.

state_dir   = "/var/lib/webex-tokend" # the store; made with mode 0700
runtime_dir = "/run/webex-tokend"     # the socket and token files; made with mode 0711
log_level   = "info"                  # trace, debug, info, warn, error
log_format  = "text"                  # text, json

# Parts of the daemon can say more or less than the rest: alert, api, consent,
# credential, cron, inbox, keeper, metrics, office, publish, seed, store, watch, web.
#
# log_levels = { keeper = "debug", api = "warn" }

# Local programs and the command line speak to the daemon here. The kernel says
# who is calling, and the allow blocks below say what they may do, so the socket
# itself can be open to all. Mode and group narrow it.
api {
  socket = "/run/webex-tokend/api.sock"
  mode   = "0666" # octal, in quotes
  # group = "webex-tokend"

  # systemd asks here for the credentials of units:
  #
  #   LoadCredential=ops:/run/webex-tokend/credential.sock
  #
  # in a unit gives it the token of grant "ops", where an allow block names the
  # unit. The ID "webex" stands for the only grant that it may have.
  credential_socket = "/run/webex-tokend/credential.sock"
}

# Web pages: the grants and how they fare, consent in the browser, and links
# for others to consent. Only for this host unless web_config_file gives the
# certificate and the users; its form is that of Prometheus' exporters. Its users
# and client certificates may read /metrics, and what allow blocks name them for.
# Without one, "webex-tokend web" opens the pages with the rights of whoever
# called it.
http {
  listen     = "127.0.0.1:8411"
  public_url = "http://127.0.0.1:8411" # where browsers find it, such as behind a proxy
  # web_config_file = "/etc/webex-tokend/web.yml"
}

# The key that opens the sealed store; "webex-tokend key init" makes it. A
# systemd credential called store.key goes before the file.
#
# seal {
#   key_file = "/etc/webex-tokend/store.key"
# }

# Several hosts can share the store over etcd: one of them refreshes, all of them
# serve, and another one takes over when that is lost. Without this block the store
# is a file in state_dir. See systemd/HOSTS.md.
#
# store {
#   engine = "etcd"
#   host   = "int-1"           # default: the name of the host
#   etcd {
#     endpoints = ["https://etcd-1:2379", "https://etcd-2:2379", "https://etcd-3:2379"]
#     prefix    = "webex-tokend/prod/"
#     ca_file   = "/etc/webex-tokend/etcd-ca.pem"
#     cert_file = "/etc/webex-tokend/etcd.pem"  # read again when it changes
#     key_file  = "/etc/webex-tokend/etcd.key"
#     # username      = "webex-tokend"
#     # password_file = "/etc/webex-tokend/etcd.password"
#   }
# }

# An integration is an OAuth client registered with Webex. One of them can have
# any number of grants.
#
# kind is one of
#   rest      an integration on developer.webex.com: tokens of 14 and 90 days
#   meetings  an integration for the Meetings XML API: tokens of 2 hours and 60 days
#   generic   any server that speaks OAuth 2.0: needs client_id and token_url
#   static    a bot's or a personal token: never renewed, only published; Webex is
#             asked once when it ends
integration "crm" {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "/etc/webex-tokend/crm.secret" # one line; mode 0600 or 0640
  scopes             = ["spark:rooms_read", "spark:people_read"]
  redirect_url       = "http://127.0.0.1:8411/oauth"

  # The cloud chooses the endpoints: "commercial" or "fedramp". Any of them can
  # be set by itself; those left out then move to the same host. Only loopback
  # hosts go without https.
  cloud = "commercial"
  # authorize_url        = "https://webexapis.com/v1/authorize"
  # token_url            = "https://webexapis.com/v1/access_token"
  # device_authorize_url = "https://webexapis.com/v1/device/authorize"
  # device_token_url     = "https://webexapis.com/v1/device/token"
  # revoke_url           = "https://idbroker.webex.com/idb/oauth2/v1/revoke"
  # api_url              = "https://webexapis.com/v1"

  # The secret is read again before each use. To rotate it without a gap, put
  # the new one into a second file, which is tried when the first is refused.
  # client_secret_file_next = "/etc/webex-tokend/crm.secret.next"
  #
  # Instead of a file, a credential that systemd passes (LoadCredential=):
  # client_secret_credential = "crm.secret"

  # How the client proves itself at the token endpoint: "body", or "basic",
  # which is what kind generic begins with.
  # auth_style = "body"

  # "S256", "plain" or "none"; kind meetings begins with "plain".
  # pkce = "S256"

  # What goes to the authorization page beside the rest. OpenID Connect servers
  # give a refresh token only with prompt=consent and the scope offline_access,
  # Google only with access_type=offline.
  # authorize_params = { prompt = "consent" }

  # What the authorization server calls itself when it sends a person back; an
  # answer that names another one is refused. Unset, it is not compared.
  # issuer = "https://idbroker.webex.com/idb"

  # Does the server retire a refresh token when it hands out a new one? Webex
  # does not; kind generic begins with true.
  # rotates = false

  # The lives of tokens where an answer of the server does not say. What it
  # says always counts more.
  # access_life  = "14d"
  # refresh_life = "90d"

  # What the token endpoint has to bear. Integrations with one token_url share
  # it, and the smallest number holds. There is no rate unless you set one.
  concurrency  = 16
  min_interval = "60s" # between two requests for one grant; at least 1s
  # rate = "10/s" # or "300/m", "1000/h"

  # Without proxy_url the usual environment variables hold; without ca_file the
  # certificates of the system.
  # proxy_url = "http://proxy.example.com:3128"
  # proxy_credentials_file = "/etc/webex-tokend/proxy.secret" # holds USER:PASSWORD
  # ca_file   = "/etc/webex-tokend/ca.pem"
}

integration "meetings" {
  kind               = "meetings"
  client_id          = "F00d"
  client_secret_file = "/etc/webex-tokend/meetings.secret"
  scopes             = ["all_read", "meeting_modify"]
  site               = "acme" # of acme.webex.com
  prefix_site        = false  # send refresh tokens as acme_TOKEN
}

# A service app gets its tokens by way of another grant, its manager, which has
# the scope spark:applications_token, and is refreshed like any other from then
# on. Should its refresh token die, it is minted again.
integration "desk" {
  kind               = "service-app"
  client_id          = "Cafe"
  client_secret_file = "/etc/webex-tokend/desk.secret"
  application_id     = "Y2lzY29zcGFyazovL3VzL0FQUExJQ0FUSU9OL2Rlc2s"
  target_org_id      = "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi9hY21l"
  manager            = "ops" # a grant of kind rest
}

integration "bots" {
  kind = "static"
}

# A grant is one consent under an integration. Names take a-z, 0-9, ".", "_"
# and "-". Register the token response with
#
#   webex-tokend import ops response.json
#
# or let a seed do it.
grant "ops" {
  integration = "crm"
  labels      = { team = "operations" }

  # Registers the grant from a mounted file, at start and whenever it changes.
  # What was registered before is never overwritten with something older.
  #
  # seed {
  #   file   = "/etc/webex-tokend/seeds/ops.json"
  #   format = "auto" # auto, response, wxc-sdk, wtr, refresh-token
  # }

  # When to renew the access token: after a share of its life, or a time before
  # its expiry, such as "6h". The default is 50%, and 66% where tokens live less
  # than a day. A calendar confines renewals to certain times of the host's time
  # zone, unless that would be too late: minute, hour, day, month, weekday.
  refresh {
    at       = "50%"
    calendar = "0 3 * * *"
  }

  # The current token, always whole. Folders below runtime_dir are made; others
  # have to exist, and the unit needs ReadWritePaths= for them. Where a block is
  # taken out, its file stays: delete it.
  file {
    path   = "/run/webex-tokend/tokens/ops"
    format = "raw"  # raw, json, env, header, wxc-sdk, xml, template
    mode   = "0640" # octal, in quotes; 0600 without a group
    # group = "crm"  # name or number; the unit needs SupplementaryGroups=
    # owner = "crm"  # name or number; the unit needs the drop-in chown.conf
  }

  file {
    path     = "/run/webex-tokend/tokens/ops.env"
    format   = "env"
    variable = "WEBEX_ACCESS_TOKEN"
    meta     = true # ops.env.meta.json beside it: generation, expires_at, state
  }

  # Anything else, by a template of Go's text/template, here or in a file that is
  # read at start and reload. It knows .Grant, .AccessToken, .TokenType,
  # .ExpiresAt, .Generation, .Scope, .Labels, .Site and .User.
  file {
    path     = "/run/webex-tokend/tokens/ops.ini"
    format   = "template"
    template = <<-EOT
      [webex]
      token = {{ .AccessToken }}
      until = {{ .ExpiresAt }}
      team  = {{ .Labels.team }}
    EOT
    # template_file = "/etc/webex-tokend/ops.tmpl"
  }

  # Once the files hold a new token: run a program, without a shell and with
  # WEBEX_TOKEND_GRANT, WEBEX_TOKEND_GENERATION and WEBEX_TOKEND_PATH (the first
  # file), and PATH, as all of its environment. It is run again, ever less often,
  # until it exits with 0.
  #
  # hook {
  #   command = ["/usr/bin/systemctl", "try-reload-or-restart", "crm"]
  #   timeout = "30s"
  #   stdin   = false # the token on its standard input
  # }
  #
  # Or signal the process whose number a file holds: HUP, INT, QUIT, TERM, USR1,
  # USR2 or WINCH.
  #
  # hook {
  #   pid_file = "/run/crm.pid"
  #   signal   = "HUP"
  # }
}

# A pattern speaks for every registered grant whose name begins so. An exact
# name wins, then the longest pattern.
grant "tenant-*" {
  integration = "meetings"

  file {
    path = "/run/webex-tokend/tokens/{{ .Grant }}"
  }
}

grant "bot-*" {
  integration = "bots"
}

# Who may do what. Blocks add up; root and the daemon's own user may do
# everything, and nobody else anything without a block. A block takes users and
# groups, by name or number, units of systemd, web_users, who are those of
# web_config_file, and client_names, the common names of client certificates: any
# of them. Of the last two, those whom no block names may read metrics.
#
#   metrics  read /metrics
#   status   see the grants and how they fare; every action includes it
#   token    have the access token
#   refresh  ask for a new one, once in min_interval, and once a day where tokens
#            live that long
#   admin    everything
allow {
  groups  = ["webex-tokend"]
  actions = ["status"]
  grants  = ["*"]
}

allow {
  users   = ["crm"]
  units   = ["crm.service", "crm-worker@.service"] # the latter: every instance
  actions = ["token", "refresh"]
  grants  = ["ops", "tenant-*"]
}

# allow {
#   web_users    = ["grafana"]
#   client_names = ["prometheus.example.com"]
#   actions      = ["metrics"]
#   grants       = ["tenant-*"]
# }

# When somebody is needed: long before a refresh window ends, or a token that
# nobody can refresh; at once when a new consent is needed, a client secret is
# refused or the disk is full; after two minutes when a token file cannot be
# written or a hook fails, or a token has expired; when a declared grant waits for
# its first tokens for over an hour. The log says so in any case. What is over is
# told, too.
alert {
  before = ["28d", "14d", "7d", "3d", "1d", "12h"] # the longest first

  # A program, without a shell, that gets the alert as JSON on standard input and
  # the most of it as WEBEX_TOKEND_ALERT, _SEVERITY, _GRANT, _INTEGRATION,
  # _ACTION, _TEXT and _RESOLVED, and PATH, as all of its environment. It has 30 s,
  # and is run again, ever less often, until it exits with 0.
  #
  # command = ["/usr/local/bin/page-someone"]

  # The same JSON by POST; any answer of 2xx will do. With a secret, the header
  # Webex-Tokend-Signature is the HMAC-SHA256, in hexadecimal, of the header
  # Webex-Tokend-Timestamp, a dot and the body.
  #
  # webhook_url         = "https://hooks.example.com/webex-tokend"
  # webhook_secret_file = "/etc/webex-tokend/webhook.secret"
}

# When the daemon's own jobs run: five fields, or "@every" with a duration.
maintenance {
  sweep  = "@every 1s"  # looks for what is due
  backup = "15 3 * * *" # copies the sealed store into state_dir/backups
  keep   = 7            # that many of these copies

  # textfile = "/var/lib/prometheus/node-exporter/webex-tokend.prom" # metrics for a host without an open port
}
