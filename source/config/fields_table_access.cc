// What of rules that say who may do what is honoured: filters, policies and matchers.
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
       {Use("permissions principals"),
        Refuse("condition checked_condition cel_config", "there is no CEL")}},
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

std::vector<MessageRules> ValueFields() {
  return {
      {"envoy.type.matcher.v3.MetadataMatcher", {Use("*")}},
      {"envoy.type.matcher.v3.MetadataMatcher.PathSegment", {Use("*")}},
      {"envoy.type.matcher.v3.ValueMatcher", {Use("*")}},
      {"envoy.type.matcher.v3.ValueMatcher.NullMatch", {}},
      {"envoy.type.matcher.v3.DoubleMatcher", {Use("*")}},
      {"envoy.type.v3.DoubleRange", {Use("*")}},
      {"envoy.type.matcher.v3.ListMatcher", {Use("*")}},
      {"envoy.type.matcher.v3.OrMatcher", {Use("*")}},
  };
}

// The unified matcher API, wherever rules are written in it.
std::vector<MessageRules> MatcherFields() {
  std::vector<MessageRules> all = {
      {"xds.type.matcher.v3.Matcher", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.OnMatch",
       {Use("matcher action"), Use("keep_matching").Only("false", "the first match decides")}},
      {"xds.type.matcher.v3.Matcher.MatcherList", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.Predicate", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherTree",
       {Use("input exact_match_map prefix_match_map"),
        Refuse("custom_match", "write a matcher_list with a custom_match of input_matchers.ip")}},
      {"xds.type.matcher.v3.Matcher.MatcherTree.MatchMap", {Use("*")}},
      {"xds.core.v3.TypedExtensionConfig", {Use("*")}},
      {"xds.type.matcher.v3.StringMatcher",
       {Use("exact prefix suffix contains safe_regex ignore_case"),
        Refuse("custom", "write one of the other patterns")}},
      {"xds.type.matcher.v3.RegexMatcher", {Use("*")}},
      {"xds.type.matcher.v3.RegexMatcher.GoogleRE2", {Use("*")}},
      {"envoy.type.matcher.v3.HttpRequestHeaderMatchInput", {Use("header_name")}},
      {"envoy.type.matcher.v3.HttpResponseHeaderMatchInput", {Use("header_name")}},
      {"envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput", {}},
      {"envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput", {}},
      {"envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput", {Use("*")}},
      {"envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput.PathSegment",
       {Use("*")}},
      {"envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
       {Use("key"), Refuse("field", "filter state is text: write key alone")}},
      {"envoy.extensions.matching.input_matchers.ip.v3.Ip",
       {Use("cidr_ranges"), Leave("stat_prefix", "It would count texts that are no addresses.")}},
      {"envoy.extensions.matching.input_matchers.metadata.v3.Metadata", {Use("*")}},
  };
  for (std::string_view input : {
           "envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput",
           "envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
           "envoy.extensions.matching.common_inputs.network.v3.SourceIPInput",
           "envoy.extensions.matching.common_inputs.network.v3.SourcePortInput",
           "envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput",
           "envoy.extensions.matching.common_inputs.network.v3.ServerNameInput",
           "envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput",
           "envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput",
           "envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput",
       }) {
    all.push_back({input, {}});
  }
  return all;
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

std::vector<MessageRules> AccessFields() {
  std::vector<MessageRules> all = FilterFieldsOfRbac();
  for (auto part : {PolicyFields, ValueFields, MatcherFields, CredentialFields}) {
    for (MessageRules& rules : part()) all.push_back(std::move(rules));
  }
  return all;
}

}  // namespace proxenos::config
