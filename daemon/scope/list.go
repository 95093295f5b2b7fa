package scope

import "strings"

// all lists the scopes of the REST API as developer.webex.com documents them
// under "Scopes", those of its parts that come as pairs of read and write put
// together here.
func all() []string {
	list := strings.Fields(`
		spark:all spark:kms openid email profile address phone offline_access
		spark:applications_token spark:organizations_read spark:calls_read spark:calls_write
		spark:webrtc_calling spark:xsi spark:xapi_statuses spark:xapi_commands
		spark:recordings_read spark:recordings_write
		spark-admin:calling_cdr_read spark-admin:call_qualities_read spark-admin:hybrid_clusters_read
		spark-admin:hybrid_connectors_read spark-admin:licenses_read spark-admin:roles_read
		spark-admin:resource_groups_read spark-admin:reports_read spark-admin:reports_write
		spark-admin:telephony_pstn_read spark-admin:telephony_pstn_write spark-admin:mess_configuration_write
		spark-admin:organizations-read spark-compliance:events_read spark-compliance:webhooks_read
		spark-compliance:webhooks_write spark-compliance:meetings_read spark-compliance:recordings_read
		spark-compliance:recordings_write spark-compliance:messages_read spark-compliance:messages_write
		spark-compliance:memberships_read spark-compliance:memberships_write spark-compliance:rooms_read
		spark-compliance:rooms_write spark-compliance:teams_read spark-compliance:team_memberships_read
		spark-compliance:team_memberships_write
		meeting:transcripts_read meeting:summaries_read meeting:admin_transcripts_read
		meeting:admin_config_read meeting:admin_config_write meeting:admin_config:read meeting:admin_config:write
		audit:events_read analytics:read_all Identity:contact Identity:one_time_password
		identity:contacts_read identity:contacts_rw identity:organizations_read identity:organizations_rw
		identity:people_read identity:people_rw identity:groups_read identity:groups_rw
		identity:tokens_read identity:tokens_write identity:placeonetimepassword_create
		guest-issuer:read guest-issuer:write guest-meeting:rw application:webhooks_read application:webhooks_write
		cjp:user cjp:config cjp:config_read cjp:config_write cjp-analyzer:read cjp-analyzer:write
		cjds:admin_org_read cjds:admin_org_write spark:contact_center_read
	`)
	for _, pair := range []struct{ first, names string }{
		{"spark", `people rooms messages memberships teams team_memberships devices places
			telephony_config workspaces xapi voice_messages`},
		{"spark-admin", `people organizations devices places workspaces workspace_locations workspace_metrics
			locations telephony_config broadworks_subscribers broadworks_enterprises broadworks_billing_reports
			wholesale_customers wholesale_subscribers wholesale_sub_partners wholesale_billing_reports
			resource_group_memberships datasource video_mesh_api licenses roles`},
		{"meeting", `schedules recordings preferences controls participants admin_schedule admin_recordings
			admin_preferences admin_participants admin_controls`},
	} {
		for _, name := range strings.Fields(pair.names) {
			list = append(list, pair.first+":"+name+"_read", pair.first+":"+name+"_write")
		}
	}
	return list
}
