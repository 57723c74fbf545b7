// What of rules that say who may do what is honoured: filters, and policies.
#include <utility>

#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

std::vector<MessageRules> FilterFieldsOfRbac() {
  return {
      {"envoy.extensions.filters.network.rbac.v3.RBAC",
       {
           Use("stat_prefix rules shadow_rules shadow_rules_stat_prefix delay_deny"),
           Use("matcher shadow_matcher"),
           Use("enforcement_type")
               .Only("ONE_TIME_ON_FIRST_BYTE", "what a connection is does not change"),
       }},
      {"envoy.extensions.filters.http.rbac.v3.RBAC",
       {Use("rules rules_stat_prefix matcher shadow_rules shadow_rules_stat_prefix shadow_matcher "
            "track_per_rule_stats")}},
      {"envoy.extensions.filters.http.rbac.v3.RBACPerRoute", {Use("rbac")}},
  };
}

std::vector<MessageRules> PolicyFields() {
  return {
      {"envoy.config.rbac.v3.RBAC",
       {Use("action policies"), Refuse("audit_logging_options", "there are no audit loggers")}},
      {"envoy.config.rbac.v3.Policy",
       {Use("permissions principals condition checked_condition cel_config")}},
      {"envoy.config.rbac.v3.Permission",
       {Use("and_rules or_rules any header url_path destination_ip destination_port "
            "destination_port_range not_rule requested_server_name metadata sourced_metadata"),
        Refuse("matcher", "write one of the other rules"),
        Refuse("uri_template", "write url_path")}},
      {"envoy.config.rbac.v3.Permission.Set", {Use("rules")}},
      {"envoy.config.rbac.v3.Principal",
       {Use("and_ids or_ids any authenticated source_ip direct_remote_ip remote_ip header url_path "
            "not_id metadata sourced_metadata filter_state custom")}},
      {"envoy.config.rbac.v3.Principal.Set", {Use("ids")}},
      {"envoy.config.rbac.v3.Principal.Authenticated", {Use("principal_name")}},
      {"envoy.config.rbac.v3.SourcedMetadata", {Use("*")}},
      {"envoy.config.rbac.v3.Action", {Use("*")}},
      {"envoy.extensions.rbac.principals.mtls_authenticated.v3.Config", {Use("*")}},
      {"envoy.type.matcher.v3.PathMatcher", {Use("path")}},
      {"envoy.type.v3.Int32Range", {Use("start end")}},
      {"envoy.type.matcher.v3.FilterStateMatcher", {Use("*")}},
  };
}

// Users and keys.
std::vector<MessageRules> CredentialFields() {
  return {
      {"envoy.extensions.filters.http.basic_auth.v3.BasicAuth", {Use("*")}},
      {"envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute", {Use("*")}},
      {"envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth", {Use("*")}},
      {"envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute", {Use("*")}},
      {"envoy.extensions.filters.http.api_key_auth.v3.Credential", {Use("*")}},
      {"envoy.extensions.filters.http.api_key_auth.v3.KeySource", {Use("*")}},
      {"envoy.extensions.filters.http.api_key_auth.v3.Forwarding", {Use("*")}},
  };
}

}  // namespace

// fields_table_match.cc
std::vector<MessageRules> MatchFields();

std::vector<MessageRules> AccessFields() {
  std::vector<MessageRules> all = FilterFieldsOfRbac();
  for (auto part : {PolicyFields, MatchFields, CredentialFields}) {
    for (MessageRules& rules : part()) all.push_back(std::move(rules));
  }
  return all;
}

}  // namespace proxenos::config
