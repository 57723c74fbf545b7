// What of the HTTP filters beside the router is honoured.
#include <utility>

#include "source/config/fields_table.h"

namespace proxenos::config {

namespace {

std::vector<MessageRules> FaultFields() {
  constexpr std::string_view kByCluster =
      "Nothing is counted by a name that a request brings: strangers would make any number.";
  return {
      {"envoy.extensions.filters.http.fault.v3.HTTPFault",
       {
           Use("delay abort upstream_cluster headers downstream_nodes max_active_faults"),
           Use("response_rate_limit delay_percent_runtime abort_percent_runtime"),
           Use("delay_duration_runtime abort_http_status_runtime max_active_faults_runtime"),
           Use("response_rate_limit_percent_runtime abort_grpc_status_runtime filter_metadata"),
           Leave("disable_downstream_cluster_stats", kByCluster),
       }},
      {"envoy.extensions.filters.http.fault.v3.FaultAbort", {Use("*")}},
      {"envoy.extensions.filters.http.fault.v3.FaultAbort.HeaderAbort", {}},
      {"envoy.extensions.filters.common.fault.v3.FaultDelay", {Use("*")}},
      {"envoy.extensions.filters.common.fault.v3.FaultDelay.HeaderDelay", {}},
      {"envoy.extensions.filters.common.fault.v3.FaultRateLimit", {Use("*")}},
      {"envoy.extensions.filters.common.fault.v3.FaultRateLimit.FixedLimit", {Use("*")}},
      {"envoy.extensions.filters.common.fault.v3.FaultRateLimit.HeaderLimit", {}},
  };
}

std::vector<MessageRules> FilterStateFields() {
  return {
      {"envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
       {Use("dns_cache_config save_upstream_address allow_dynamic_host_from_filter_state"),
        Refuse("sub_cluster_config", "write dns_cache_config, as in the cluster")}},
      {"envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig",
       {Use("host_rewrite_literal host_rewrite_header")}},
      {"envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
       {Use("session_state strict stat_prefix"),
        Use("status_on_strict_destination_not_found")
            .Only("503", "a strict session without its host is answered by 503")}},
      {"envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
       {Use("disabled stateful_session")}},
      {"envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState", {Use("cookie")}},
      {"envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState", {Use("name")}},
      {"envoy.type.http.v3.Cookie", {Use("*")}},
      {"envoy.type.http.v3.CookieAttribute", {Use("*")}},
      {"envoy.extensions.filters.http.set_filter_state.v3.Config", {Use("*")}},
      {"envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue",
       {Use("object_key factory_key format_string skip_if_empty"),
        Leave("read_only", "The later of two values holds, where Envoy would refuse it."),
        Use("shared_with_upstream").Only("NONE", "connections to origins have no filter state")}},
  };
}

// Filters that let only so much through.
std::vector<MessageRules> AdmissionFields() {
  return {
      {"envoy.extensions.filters.http.admission_control.v3.AdmissionControl",
       {Use("enabled success_criteria sampling_window aggression sr_threshold rps_threshold"),
        Use("max_rejection_probability")}},
      {"envoy.extensions.filters.http.admission_control.v3.AdmissionControl.aggression",
       {Use("*")}},
      {"envoy.extensions.filters.http.admission_control.v3.AdmissionControl.SuccessCriteria",
       {Use("*")}},
      {"envoy.extensions.filters.http.admission_control.v3.AdmissionControl.SuccessCriteria."
       "HttpCriteria",
       {Use("*")}},
      {"envoy.extensions.filters.http.admission_control.v3.AdmissionControl.SuccessCriteria."
       "GrpcCriteria",
       {Use("*")}},
      {"envoy.config.core.v3.RuntimePercent", {Use("default_value runtime_key")}},
      {"envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency", {Use("*")}},
      {"envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig",
       {Use("*")}},
      {"envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig."
       "ConcurrencyLimitCalculationParams",
       {Use("*")}},
      {"envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig."
       "MinimumRTTCalculationParams",
       {Use("*")}},
  };
}

}  // namespace

std::vector<MessageRules> FilterFields() {
  constexpr std::string_view kCorsFields =
      "allow_origin_string_match allow_methods allow_headers expose_headers max_age "
      "allow_credentials filter_enabled shadow_enabled allow_private_network_access "
      "forward_not_matching_preflights";
  constexpr std::string_view kCacheFields =
      "typed_config disabled allowed_vary_headers key_creator_params max_body_bytes "
      "ignore_request_cache_control_header";
  const std::vector<FieldRule> kCacheKeyFields = {
      Use("exclude_scheme exclude_host"),
      Refuse("query_parameters_included query_parameters_excluded",
             "the whole query is part of the key")};
  const std::vector<FieldRule> kCacheFileFields = {
      Use("cache_path max_cache_size_bytes max_individual_cache_entry_size_bytes"),
      Use("create_cache_path"), Leave("manager_config", "Each store has a few threads of its own."),
      Leave("cache_subdivisions evict_fraction max_eviction_period min_eviction_period",
            "Files go one by one as others come; Envoy has not implemented these."),
      Refuse("max_cache_entry_count", "write max_cache_size_bytes, which bounds all files")};
  std::vector<MessageRules> all = {
      {"envoy.extensions.filters.http.cache.v3.CacheConfig", {Use(kCacheFields)}},
      {"envoy.extensions.filters.http.cache.v3.CacheConfig.KeyCreatorParams", kCacheKeyFields},
      {"envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig", {}},
      {"envoy.extensions.http.cache.file_system_http_cache.v3.FileSystemHttpCacheConfig",
       kCacheFileFields},
      {"envoy.extensions.filters.http.cache_v2.v3.CacheV2Config",
       {Use(kCacheFields),
        Refuse("override_upstream_cluster",
               "what fills the cache goes through the filters behind it and the route, as other "
               "requests do")}},
      {"envoy.extensions.filters.http.cache_v2.v3.CacheV2Config.KeyCreatorParams", kCacheKeyFields},
      {"envoy.extensions.http.cache_v2.simple_http_cache.v3.SimpleHttpCacheV2Config", {}},
      {"envoy.extensions.http.cache_v2.file_system_http_cache.v3.FileSystemHttpCacheV2Config",
       kCacheFileFields},
      {"proxenos.http.cache.v3.CacheStore", {Use("*")}},
      {"proxenos.http.cache.v3.CacheStore.Disk", {Use("*")}},
      {"proxenos.http.cache.v3.CacheStore.Redis", {Use("*")}},
      {"proxenos.http.cache.v3.CacheStore.Secret", {Use("*")}},
      {"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", {}},
      {"envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
       {Use("proto_descriptor proto_descriptor_bin services print_options auto_mapping"),
        Use("match_incoming_request_route ignored_query_parameters url_unescape_spec"),
        Use("ignore_unknown_query_parameters convert_grpc_status query_param_unescape_plus"),
        Use("match_unregistered_custom_verb request_validation_options"),
        Use("case_insensitive_enum_parsing max_request_body_size max_response_body_size"),
        Refuse("capture_unknown_query_parameters",
               "write ignore_unknown_query_parameters: an HttpBody has no extensions")}},
      {"envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder.PrintOptions",
       {Use("*")}},
      {"envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder."
       "RequestValidationOptions",
       {Use("*")}},
      {"envoy.extensions.filters.http.grpc_http1_bridge.v3.Config",
       {Use("upgrade_protobuf_to_grpc ignore_query_parameters")}},
      {"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig",
       {Use("content_type withhold_grpc_frames response_size_header")}},
      {"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfigPerRoute",
       {Use("disabled")}},
      {"envoy.extensions.filters.http.on_demand.v3.OnDemand", {Use("odcds")}},
      {"envoy.extensions.filters.http.on_demand.v3.PerRouteConfig", {Use("odcds")}},
      {"envoy.extensions.filters.http.on_demand.v3.OnDemandCds",
       {Use("source timeout"),
        Refuse("resources_locator",
               "clusters are asked for by their names: collections are not implemented")}},
      {"envoy.extensions.filters.http.cors.v3.Cors", {}},
      {"envoy.extensions.filters.http.cors.v3.CorsPolicy", {Use(kCorsFields)}},
      {"envoy.config.route.v3.CorsPolicy", {Use(kCorsFields)}},
      {"envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
       {Use("emit_filter_state enable_upstream_stats stats_for_all_methods "
            "individual_method_stats_allowlist replace_dots_in_grpc_service_name")}},
      {"envoy.config.core.v3.GrpcMethodList", {Use("services")}},
      {"envoy.config.core.v3.GrpcMethodList.Service", {Use("name method_names")}},
      {"envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
       {Use("mutations most_specific_header_mutations_wins")}},
      {"envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
       {Use("mutations")}},
      {"envoy.extensions.filters.http.header_mutation.v3.Mutations", {Use("*")}},
      {"envoy.config.common.mutation_rules.v3.HeaderMutation", {Use("*")}},
      {"envoy.config.common.mutation_rules.v3.HeaderMutation.RemoveOnMatch", {Use("*")}},
      {"envoy.config.core.v3.KeyValueMutation", {Use("*")}},
      {"envoy.config.core.v3.KeyValueAppend",
       {Use("record action"), Refuse("entry", "write record")}},
      {"envoy.config.core.v3.KeyValuePair", {Use("*")}},
      {"envoy.extensions.filters.http.health_check.v3.HealthCheck",
       {Use("pass_through_mode cluster_min_healthy_percentages headers"),
        Refuse("cache_time", "each check passes to the origin")}},
      {"proxenos.filters.http.shield.v3.Shield", {Use("*")}},
      {"proxenos.filters.http.shield.v3.ClientAddress", {Use("*")}},
      {"proxenos.filters.http.shield.v3.OriginFields", {Use("*")}},
      {"proxenos.filters.http.shield.v3.OriginUrls", {Use("*")}},
      {"proxenos.filters.http.shield.v3.ErrorPage", {Use("*")}},
      {"proxenos.filters.http.shield.v3.ErrorPage.StatusRange", {Use("*")}},
      {"proxenos.filters.http.shield.v3.ErrorPage.Body", {Use("*")}},
      {"proxenos.filters.http.shield.v3.ShieldPerRoute", {Use("*")}},
      {"envoy.extensions.filters.http.buffer.v3.Buffer", {Use("max_request_bytes")}},
      {"envoy.extensions.filters.http.buffer.v3.BufferPerRoute", {Use("disabled buffer")}},
  };
  for (auto part : {AdmissionFields, FaultFields, FilterStateFields}) {
    for (MessageRules& rules : part()) all.push_back(std::move(rules));
  }
  return all;
}

}  // namespace proxenos::config
