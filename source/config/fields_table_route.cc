// What of route configurations is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> RouteFields() {
  constexpr std::string_view kMetadata =
      "Only filters and access logs read it, and none of those implemented does.";
  constexpr std::string_view kHeaders =
      "request_headers_to_add request_headers_to_remove response_headers_to_add "
      "response_headers_to_remove";
  constexpr std::string_view kRetryPolicy =
      "Envoy does not implement it either: write retry_policy";
  return {
      {"envoy.config.route.v3.RouteConfiguration",
       {
           Use("name virtual_hosts internal_only_headers most_specific_header_mutations_wins "
               "validate_clusters max_direct_response_body_size_bytes "
               "ignore_port_in_host_matching ignore_path_parameters_in_path_matching "
               "request_mirror_policies"),
           Use(kHeaders),
           Use("typed_per_filter_config vhds vhost_header cluster_specifier_plugins"),
           Leave("metadata", kMetadata),
       }},
      {"envoy.config.route.v3.Vhds", {Use("config_source")}},
      {"envoy.config.route.v3.VirtualHost",
       {
           Use("name domains routes matcher require_tls retry_policy include_request_attempt_count "
               "include_attempt_count_in_response per_request_buffer_limit_bytes "
               "request_body_buffer_limit request_mirror_policies"),
           Use(kHeaders),
           Use("metadata"),
           Use("typed_per_filter_config cors rate_limits hedge_policy"),
           Use("virtual_clusters include_is_timeout_retry_header"),
           Refuse("retry_policy_typed_config", kRetryPolicy),
       }},
      {"envoy.config.route.v3.VirtualCluster", {Use("name headers")}},
      {"envoy.config.route.v3.ClusterSpecifierPlugin", {Use("extension is_optional")}},
      {"envoy.config.route.v3.RouteList", {Use("routes")}},
      {"envoy.config.route.v3.Route",
       {
           Use("name match route redirect direct_response stat_prefix"),
           Use("per_request_buffer_limit_bytes request_body_buffer_limit"),
           Use(kHeaders),
           Use("metadata"),
           Use("typed_per_filter_config"),
           Use("decorator tracing"),
           Refuse("filter_action", "Envoy does not implement it either: write route"),
           Refuse("non_forwarding_action",
                  "it is for clients without a proxy: write route, redirect or direct_response"),
       }},
      {"envoy.config.route.v3.FilterConfig", {Use("config is_optional disabled")}},
      {"envoy.config.route.v3.RouteMatch",
       {Use("prefix path safe_regex connect_matcher path_separated_prefix case_sensitive "
            "path_match_policy runtime_fraction headers query_parameters grpc"),
        Use("cookies tls_context dynamic_metadata filter_state")}},
      {"envoy.config.route.v3.RouteMatch.TlsContextMatchOptions", {Use("presented validated")}},
      {"envoy.config.route.v3.CookieMatcher", {Use("name string_match invert_match")}},
      {"envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier",
       {Use("cluster_matcher")}},
      {"envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction", {Use("cluster")}},
      {"envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
       {Use("path_template")}},
      {"envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig",
       {Use("path_template_rewrite")}},
      {"envoy.config.route.v3.RouteMatch.ConnectMatcher", {}},
      {"envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions", {}},
      {"envoy.config.route.v3.HeaderMatcher", {Use("*")}},
      {"envoy.config.route.v3.QueryParameterMatcher", {Use("*")}},
      {"envoy.config.route.v3.RouteAction",
       {
           Use("cluster cluster_header weighted_clusters cluster_not_found_response_code"),
           Use("prefix_rewrite regex_rewrite path_rewrite host_rewrite_literal auto_host_rewrite "
               "host_rewrite_header host_rewrite_path_regex append_x_forwarded_host"),
           Use("flush_timeout"),
           Use("timeout idle_timeout max_stream_duration retry_policy upgrade_configs cors "
               "hash_policy request_mirror_policies"),
           Use("priority"),
           Leave("early_data_policy",
                 "It is about connections to hosts over HTTP/3: over all others no request is sent "
                 "as early data."),
           Refuse("retry_policy_typed_config", kRetryPolicy),
           Use("include_vh_rate_limits rate_limits"),
           Use("metadata_match"),
           Use("cluster_specifier_plugin inline_cluster_specifier_plugin path_rewrite_policy "
               "host_rewrite"),
           Use("max_grpc_timeout grpc_timeout_offset"),
           Use("internal_redirect_policy internal_redirect_action max_internal_redirects"),
           Use("hedge_policy"),
       }},
      {"envoy.config.route.v3.HedgePolicy",
       {Use("hedge_on_per_try_timeout"),
        Refuse("initial_requests additional_request_chance",
               "Envoy does not implement it either: a further try follows a per_try_timeout")}},
      {"envoy.config.route.v3.InternalRedirectPolicy", {Use("*")}},
      {"envoy.extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig",
       {Use("*")}},
      {"envoy.extensions.internal_redirect.filter_state.v3.FilterStateConfig", {Use("*")}},
      {"envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig", {}},
      {"envoy.extensions.internal_redirect.safe_cross_scheme.v3.SafeCrossSchemeConfig", {}},
      {"envoy.config.route.v3.RouteAction.RequestMirrorPolicy",
       {Use("cluster cluster_header runtime_fraction disable_shadow_host_suffix_append "
            "request_headers_mutations host_rewrite_literal"),
        Leave("trace_sampled", "Copies have no spans; they carry the fields of the original.")}},
      {"envoy.config.route.v3.RouteAction.UpgradeConfig",
       {Use("upgrade_type enabled connect_config")}},
      {"envoy.config.route.v3.RouteAction.UpgradeConfig.ConnectConfig",
       {Use("allow_post"), Refuse("proxy_protocol_config",
                                  "write it in the transport_socket of the cluster: "
                                  "envoy.extensions.transport_sockets.proxy_protocol.v3")}},
      {"envoy.config.route.v3.RouteAction.MaxStreamDuration",
       {Use("max_stream_duration grpc_timeout_header_max grpc_timeout_header_offset")}},
      {"envoy.config.route.v3.WeightedCluster",
       {
           Use("clusters header_name runtime_key_prefix use_hash_policy"),
           Leave("total_weight", "It is deprecated: the sum of the weights is what counts."),
       }},
      {"envoy.config.route.v3.WeightedCluster.ClusterWeight",
       {
           Use("name cluster_header weight host_rewrite_literal metadata_match"),
           Use(kHeaders),
           Use("typed_per_filter_config"),
       }},
      {"envoy.config.route.v3.RedirectAction",
       {Use("https_redirect scheme_redirect host_redirect port_redirect path_redirect "
            "prefix_rewrite regex_rewrite path_rewrite response_code strip_query")}},
      {"envoy.config.route.v3.DirectResponseAction", {Use("status body body_format")}},
      {"envoy.config.route.v3.RetryPolicy",
       {
           Use("retry_on num_retries per_try_timeout retriable_status_codes retry_back_off "
               "retriable_headers retriable_request_headers"),
           Use("retry_priority retry_host_predicate host_selection_retry_max_attempts"),
           Use("rate_limited_retry_back_off per_try_idle_timeout"),
           Leave(
               "refresh_cluster_on_retry",
               "It matters to plugins that choose the cluster: others choose once, in Envoy too."),
           Refuse("retry_options_predicates", "no predicate is implemented, nor has Envoy any"),
       }},
      {"envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff",
       {Use("reset_headers max_interval")}},
      {"envoy.config.route.v3.RetryPolicy.ResetHeader", {Use("name format")}},
      {"envoy.config.route.v3.RetryPolicy.RetryHostPredicate", {Use("name typed_config")}},
      {"envoy.config.route.v3.RetryPolicy.RetryPriority", {Use("name typed_config")}},
      {"envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate", {}},
      {"envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate", {}},
      {"envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig",
       {Use("metadata_match")}},
      {"envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
       {Use("update_frequency")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy",
       {Use("header cookie connection_properties query_parameter filter_state terminal")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy.FilterState", {Use("key")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy.Header", {Use("header_name regex_rewrite")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy.Cookie", {Use("name ttl path attributes")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute", {Use("name value")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties", {Use("source_ip")}},
      {"envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter", {Use("name")}},
      {"envoy.config.route.v3.RetryPolicy.RetryBackOff", {Use("base_interval max_interval")}},
      {"envoy.type.matcher.v3.StringMatcher",
       {Use("exact prefix suffix safe_regex contains ignore_case")}},
      {"envoy.type.matcher.v3.RegexMatcher", {Use("regex google_re2")}},
      {"envoy.type.matcher.v3.RegexMatcher.GoogleRE2", {Use("max_program_size")}},
      {"envoy.type.matcher.v3.RegexMatchAndSubstitute", {Use("pattern substitution")}},
      {"envoy.type.v3.Int64Range", {Use("*")}},
      {"envoy.type.v3.FractionalPercent", {Use("*")}},
  };
}

}  // namespace proxenos::config
