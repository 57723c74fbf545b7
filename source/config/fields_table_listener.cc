// What of listeners and the HTTP connection manager is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> ListenerFields() {
  constexpr std::string_view kAfterBadRequest =
      "A connection whose request is not HTTP/1.1 ends with the answer, as Envoy's mostly does: "
      "where the next request would begin is not known.";
  constexpr std::string_view kBodyFormat =
      "text_format json_format text_format_source omit_empty_values formatters "
      "json_format_options content_type";
  return {
      {"envoy.config.listener.v3.Listener",
       {
           Use("name address additional_addresses stat_prefix default_filter_chain "
               "per_connection_buffer_limit_bytes bind_to_port tcp_backlog_size "
               "traffic_direction max_connections_to_accept_per_socket_event"),
           Use("ignore_global_conn_limit access_log"),
           Use("filter_chains listener_filters listener_filters_timeout "
               "continue_on_listener_filters_timeout"),
           Use("drain_type"),
           Use("enable_reuse_port transparent freebind tcp_fast_open_queue_length tcp_keepalive "
               "enable_mptcp socket_options"),
           Leave("reuse_port", "It is deprecated: Envoy reads enable_reuse_port alone."),
           Use("connection_balance_config use_original_dst"),
           Refuse("stats_matcher", "all stats of a listener are there"),
           Refuse("per_connection_buffer_high_watermark_timeout",
                  "a peer that takes nothing meets the timeouts of the connection manager"),
           Leave("metadata", "Only filters read it, and none of those implemented does."),
           Leave("bypass_overload_manager",
                 "The overload manager has no actions that a listener could be exempt from."),
           Use("internal_listener"),
           Use("filter_chain_matcher"),
           Use("udp_listener_config"),
           Refuse("api_listener", "requests come by sockets: write address and filter_chains"),
       }},
      {"envoy.config.listener.v3.Listener.InternalListenerConfig", {}},
      {"envoy.config.listener.v3.AdditionalAddress", {Use("address socket_options tcp_keepalive")}},
      {"google.protobuf.StringValue", {Use("value")}},
      {"envoy.extensions.matching.common_inputs.network.v3.TransportProtocolInput", {}},
      {"envoy.extensions.matching.common_inputs.network.v3.ApplicationProtocolInput", {}},
      {"envoy.config.listener.v3.Listener.ConnectionBalanceConfig",
       {Use("exact_balance"),
        Refuse("extend_balance",
               "the accelerators that it names are not used: write exact_balance"),
        Refuse("cpu_locality_balance",
               "write exact_balance, or nothing: then the kernel spreads "
               "connections over the workers' own sockets")}},
      {"envoy.config.listener.v3.Listener.ConnectionBalanceConfig.ExactBalance", {}},
      {"envoy.config.listener.v3.FilterChain",
       {
           Use("name"),
           Use("filters"),
           Use("transport_socket"),
           Use("filter_chain_match"),
           Use("use_proxy_proto"),
           Leave("metadata", "Only filters read it, and none of those implemented does."),
           Use("transport_socket_connect_timeout"),
       }},
      {"envoy.config.listener.v3.FilterChainMatch",
       {
           Use("destination_port prefix_ranges server_names transport_protocol "
               "application_protocols direct_source_prefix_ranges source_type "
               "source_prefix_ranges source_ports"),
           Refuse("address_suffix suffix_len", "Envoy does not match by it either"),
       }},
      {"envoy.config.core.v3.SocketOption",
       {Use("level name int_value buf_value state ip_version type"),
        Leave("description", "It is for people.")}},
      {"envoy.config.core.v3.SocketOption.SocketType", {Use("*")}},
      {"envoy.config.core.v3.SocketOption.SocketType.Stream", {}},
      {"envoy.config.core.v3.SocketOption.SocketType.Datagram", {}},
      {"envoy.config.core.v3.CidrRange", {Use("address_prefix prefix_len")}},
      {"envoy.config.listener.v3.ListenerFilter",
       {Use("name"),
        Use("typed_config")
            .Only("envoy.extensions.filters.listener.http_inspector.v3.HttpInspector "
                  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst "
                  "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol "
                  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector "
                  "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig"),
        Use("filter_disabled")}},
      {"envoy.config.listener.v3.ListenerFilterChainMatchPredicate",
       {Use("or_match and_match not_match any_match destination_port_range")}},
      {"envoy.config.listener.v3.ListenerFilterChainMatchPredicate.MatchSet", {Use("rules")}},
      {"envoy.extensions.filters.listener.http_inspector.v3.HttpInspector", {}},
      {"envoy.extensions.filters.listener.original_dst.v3.OriginalDst", {}},
      {"envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
       {
           Use("allow_requests_without_proxy_protocol disallowed_versions rules"),
           Use("pass_through_tlvs stat_prefix"),
           Use("tlv_location")
               .Only("DYNAMIC_METADATA", "HTTP streams see the dynamic metadata as well"),
       }},
      {"envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.Rule",
       {Use("tlv_type on_tlv_present")}},
      {"envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol.KeyValuePair",
       {Use("metadata_namespace key value_string_encoding")}},
      {"envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
       {
           Use("close_connection_on_client_hello_parsing_errors"),
           Leave("initial_read_buffer_size", "It looks at what the kernel holds, and has none."),
           Use("max_client_hello_size enable_ja3_fingerprinting enable_ja4_fingerprinting"),
       }},
      {"envoy.config.listener.v3.Filter",
       {Use("name typed_config"), Refuse("config_discovery", "write typed_config")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
       {
           Use("codec_type").Only("AUTO HTTP1 HTTP2"),
           Use("stat_prefix rds route_config scoped_routes http_filters"),
           Use("server_name server_header_transformation via"),
           Use("use_remote_address xff_num_trusted_hops skip_xff_append"),
           Use("generate_request_id preserve_external_request_id "
               "always_set_request_id_in_response request_id_extension"),
           Use("http_protocol_options http2_protocol_options common_http_protocol_options"),
           Use("stream_idle_timeout request_timeout request_headers_timeout "
               "delayed_close_timeout max_request_headers_kb"),
           Use("access_log access_log_options access_log_flush_interval "
               "flush_access_log_on_new_request"),
           Use("normalize_path merge_slashes path_with_escaped_slashes_action"),
           Use("strip_matching_host_port strip_any_host_port strip_trailing_host_dot"),
           Use("upgrade_configs"),
           Use("proxy_100_continue"),
           Use("stream_error_on_invalid_http_message"),
           Use("add_user_agent append_x_forwarded_port scheme_header_transformation "
               "original_ip_detection_extensions early_header_mutation_extensions"),
           Use("forward_client_cert_details set_current_client_cert_details "
               "forward_client_cert_matcher drain_timeout "
               "drain_timeout_jitter http1_safe_max_connection_duration"),
           Use("tracing"),
           Use("local_reply_config internal_address_config proxy_status_config"),
           Use("append_local_overload forward_proto_config stream_flush_timeout"),
           Use("add_proxy_protocol_connection_state")
               .Only("true", "leave the header out by the cluster's transport socket instead"),
           Leave("represent_ipv4_remote_address_as_ipv4_mapped_ipv6",
                 "Envoy was seen to do nothing with it."),
           Refuse("path_normalization_options",
                  "write normalize_path and merge_slashes, which Envoy obeys"),
       }},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "ProxyStatusConfig",
       {Use("remove_details remove_connection_termination_details remove_response_flags "
            "set_recommended_response_code use_node_id literal_proxy_name")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ForwardProtoConfig",
       {Use("https_destination_ports http_destination_ports")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "HcmAccessLogOptions",
       {Use("access_log_flush_interval flush_access_log_on_new_request "
            "flush_log_on_tunnel_successfully_established")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig",
       {Use("mappers body_format")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper",
       {Use("filter status_code body body_format_override headers_to_add")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig.body_format",
       {Use(kBodyFormat)}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ResponseMapper."
       "body_format_override",
       {Use(kBodyFormat)}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "common_http_protocol_options",
       {Use("idle_timeout max_connection_duration max_headers_count max_stream_duration "
            "headers_with_underscores_action max_requests_per_connection "
            "max_connection_duration_jitter"),
        Leave("max_response_headers_kb", "It is about responses of hosts: clusters say it.")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "http_protocol_options",
       {
           Use("allow_absolute_url accept_http_10 default_host_for_http_10 enable_trailers "
               "header_key_format allow_chunked_length ignore_http_11_upgrade"),
           Leave("send_fully_qualified_url", "It is about requests, which a listener never sends."),
           Leave("override_stream_error_on_invalid_http_message", kAfterBadRequest),
           Leave("allow_custom_methods", "Any token is a method."),
           Leave("use_balsa_parser", "It chooses among Envoy's own parsers."),
       }},
      {"envoy.config.core.v3.SchemeHeaderTransformation",
       {Use("scheme_to_overwrite match_upstream")}},
      {"envoy.extensions.http.original_ip_detection.xff.v3.XffConfig",
       {Use("xff_num_trusted_hops xff_trusted_cidrs skip_xff_append")}},
      {"envoy.extensions.http.original_ip_detection.xff.v3.XffTrustedCidrs", {Use("cidrs")}},
      {"envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig",
       {Use("header_name reject_with_status allow_extension_to_set_address_as_trusted")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "InternalAddressConfig",
       {Use("unix_sockets cidr_ranges")}},
      {"envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
       {Use("mutations")}},
      {"envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat",
       {Use("proper_case_words stateful_formatter")}},
      {"envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat.ProperCaseWords", {}},
      {"envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
       {Use("formatter_type_on_envoy_headers"),
        Leave("forward_reason_phrase",
              "An origin's reason phrase always reaches an HTTP/1 client as it came.")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "ForwardClientCertConfig",
       {Use("*")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "SetCurrentClientCertDetails",
       {Use("subject cert chain dns uri")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager."
       "UpgradeConfig",
       {Use("upgrade_type enabled"),
        Refuse("filters", "an upgrade passes the filters of every other request")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.RequestIDExtension",
       {Use("typed_config").Only("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig")}},
      {"envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
       {Use("pack_trace_reason use_request_id_for_trace_sampling")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.Rds",
       {Use("config_source route_config_name")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes",
       {Use("name scope_key_builder rds_config_source scoped_route_configurations_list "
            "scoped_rds")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder",
       {Use("fragments")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder."
       "FragmentBuilder",
       {Use("header_value_extractor")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder."
       "FragmentBuilder.HeaderValueExtractor",
       {Use("name element_separator index element")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes.ScopeKeyBuilder."
       "FragmentBuilder.HeaderValueExtractor.KvElement",
       {Use("separator key")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRouteConfigurationsList",
       {Use("scoped_route_configurations")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.ScopedRds",
       {Use("scoped_rds_config_source srds_resources_locator")}},
      {"envoy.config.route.v3.ScopedRouteConfiguration",
       {
           Use("name route_configuration_name route_configuration key"),
           Leave("on_demand",
                 "The scope's routes are asked for when it comes, before any request needs them."),
       }},
      {"envoy.config.route.v3.ScopedRouteConfiguration.Key", {Use("fragments")}},
      {"envoy.config.route.v3.ScopedRouteConfiguration.Key.Fragment", {Use("string_key")}},
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
       {
           Use("name typed_config config_discovery is_optional disabled"),
       }},
      {"envoy.extensions.filters.http.router.v3.Router",
       {
           Use("suppress_envoy_headers start_child_span upstream_http_filters upstream_log"),
           Use("upstream_log_options strict_check_headers reject_connect_request_early_data"),
           Use("suppress_grpc_request_failure_code_stats respect_expected_rq_timeout"),
           Leave("dynamic_stats",
                 "It spares Envoy the counting of upstream stats; here they are always counted."),
       }},
      {"envoy.extensions.filters.http.router.v3.Router.UpstreamAccessLogOptions",
       {Use("flush_upstream_log_on_upstream_stream upstream_log_flush_interval")}},
      {"envoy.extensions.filters.http.router.v3.Router.upstream_http_filters",
       {Use("name typed_config is_optional disabled"),
        Refuse("config_discovery", kNoUpstreamDiscovery)}},
  };
}

}  // namespace proxenos::config
