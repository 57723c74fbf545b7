// What of matchers is honoured: of values, and of the unified matcher API wherever it is used.
#include <string_view>
#include <utility>

#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

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
      {"xds.type.matcher.v3.Matcher.OnMatch", {Use("matcher action keep_matching")}},
      {"xds.type.matcher.v3.Matcher.MatcherList", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.FieldMatcher", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.Predicate", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.Predicate.PredicateList", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate", {Use("*")}},
      {"xds.type.matcher.v3.Matcher.MatcherTree",
       {Use("input exact_match_map prefix_match_map custom_match")}},
      {"xds.type.matcher.v3.Matcher.MatcherTree.MatchMap", {Use("*")}},
      {"xds.type.matcher.v3.IPMatcher", {Use("*")}},
      {"xds.type.matcher.v3.IPMatcher.IPRangeMatcher", {Use("*")}},
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
      {"envoy.type.matcher.v3.HttpResponseLocalReplyMatchInput", {}},
      {"envoy.type.matcher.v3.HttpRequestQueryParamMatchInput", {Use("query_param")}},
      {"envoy.extensions.matching.common_inputs.environment_variable.v3.Config", {Use("name")}},
      {"envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing",
       {Use("*")}},
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
           "envoy.extensions.matching.common_inputs.network.v3.SourceTypeInput",
           "envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput",
           "envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput",
           "envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput",
       }) {
    all.push_back({input, {}});
  }
  return all;
}

// The older spelling of the same, of ExtensionWithMatcher.matcher.
std::vector<MessageRules> OlderMatcherFields() {
  return {
      {"envoy.config.common.matcher.v3.Matcher", {Use("*")}},
      {"envoy.config.common.matcher.v3.Matcher.OnMatch", {Use("matcher action keep_matching")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherList", {Use("*")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherList.FieldMatcher", {Use("*")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherList.Predicate", {Use("*")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherList.Predicate.PredicateList", {Use("*")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherList.Predicate.SinglePredicate", {Use("*")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherTree",
       {Use("input exact_match_map prefix_match_map custom_match")}},
      {"envoy.config.common.matcher.v3.Matcher.MatcherTree.MatchMap", {Use("*")}},
  };
}

// Filters behind a matcher.
std::vector<MessageRules> GateFields() {
  return {
      {"envoy.extensions.common.matching.v3.ExtensionWithMatcher",
       {Use("matcher xds_matcher extension_config")}},
      {"envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute", {Use("xds_matcher")}},
      {"envoy.extensions.filters.common.matcher.action.v3.SkipFilter", {}},
      {"envoy.extensions.filters.http.composite.v3.Composite", {Use("*")}},
      {"envoy.extensions.filters.http.composite.v3.CompositePerRoute", {Use("matcher")}},
      {"envoy.extensions.filters.http.composite.v3.FilterChainConfiguration", {Use("*")}},
      {"envoy.extensions.filters.http.composite.v3.ExecuteFilterAction",
       {Use("typed_config filter_chain filter_chain_name sample_percent"),
        Refuse("dynamic_config", "write the filter as typed_config")}},
  };
}

}  // namespace

std::vector<MessageRules> MatchFields() {
  std::vector<MessageRules> all;
  for (auto part : {ValueFields, MatcherFields, OlderMatcherFields, GateFields}) {
    for (MessageRules& rules : part()) all.push_back(std::move(rules));
  }
  return all;
}

}  // namespace proxenos::config
