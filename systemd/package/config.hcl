# webex-tokend. This file is enough to start; grants come with blocks like the
# ones below. Every setting is explained by webex-tokend.hcl(5), and in
# /usr/share/doc/webex-tokend/examples/config.hcl. Check a change with
#
#   webex-tokend validate
#
# The daemon takes a saved file over by itself when it has no fault.

# integration "crm" {
#   kind               = "rest"
#   client_id          = "..."
#   client_secret_file = "/etc/webex-tokend/crm.secret" # mode 0640, group webex-tokend
# }
#
# grant "ops" {
#   integration = "crm"
#   file {
#     path = "/run/webex-tokend/tokens/ops"
#   }
# }

# Members of the group webex-tokend see how the grants fare.
allow {
  groups  = ["webex-tokend"]
  actions = ["status"]
  grants  = ["*"]
}
