// What of clusters and their endpoints is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

// Of Http1ProtocolOptions, what holds towards an origin.
std::vector<FieldRule> Http1Client() {
  constexpr std::string_view kOfServers =
      "It is about requests that come, which the connection manager's own options say.";
  return {
      Use("enable_trailers header_key_format send_fully_qualified_url allow_chunked_length"),
      Leave("allow_absolute_url accept_http_10 default_host_for_http_10 ignore_http_11_upgrade "
            "allow_custom_methods override_stream_error_on_invalid_http_message",
            kOfServers),
      Leave("use_balsa_parser", "It chooses among Envoy's own parsers."),
  };
}

}  // namespace

std::vector<MessageRules> ClusterFields() {
  constexpr std::string_view kMetadata = "Nothing reads typed metadata but PROXY headers.";
  constexpr std::string_view kOfClients =
      "It is about requests of clients, which the connection manager's options say; as in Envoy it "
      "means nothing here.";
  constexpr std::string_view kNoHttp3 = "HTTP/3 is not implemented";

  constexpr std::string_view kCommonHttp =
      "idle_timeout max_connection_duration max_stream_duration max_requests_per_connection "
      "max_headers_count max_response_headers_kb max_connection_duration_jitter";
  return {
      {"envoy.config.cluster.v3.Cluster",
       {
           Use("name alt_stat_name connect_timeout per_connection_buffer_limit_bytes"),
           Use("type cluster_type"),
           Use("eds_cluster_config load_assignment"),
           Use("lb_policy"),
           Use("load_balancing_policy lb_subset_config"),
           Use("least_request_lb_config round_robin_lb_config ring_hash_lb_config "
               "maglev_lb_config original_dst_lb_config common_lb_config"),
           Use("preconnect_policy circuit_breakers max_requests_per_connection"),
           Use("common_http_protocol_options http_protocol_options http2_protocol_options "
               "upstream_http_protocol_options typed_extension_protocol_options"),
           Use("dns_lookup_family dns_refresh_rate dns_failure_refresh_rate respect_dns_ttl "
               "dns_jitter dns_resolvers use_tcp_for_dns_lookups dns_resolution_config "
               "typed_dns_resolver_config"),
           Use("wait_for_warm_on_init upstream_connection_options upstream_bind_config"),
           Use("transport_socket transport_socket_matches protocol_selection"),
           Use("metadata"),
           Use("health_checks").AtMost(1, "a cluster has one health check"),
           Use("outlier_detection ignore_health_on_host_removal "
               "close_connections_on_host_health_failure"),
           Use("cleanup_interval"),
           Use("track_cluster_stats lrs_report_endpoint_metrics"),
           Leave("lrs_server",
                 "Load is reported where cluster_manager.load_stats_config says, as Envoy does."),
           Use("track_timeout_budgets connection_pool_per_downstream_connection"),
           Use("upstream_config"),
           Refuse("filters",
                  "connections to hosts pass no network filters: requests pass "
                  "http_filters of HttpProtocolOptions"),
       }},
      {"envoy.config.cluster.v3.Cluster.upstream_config",
       {Use("name"),
        Use("typed_config")
            .Only("envoy.extensions.upstreams.http.generic.v3.GenericConnectionPoolProto",
                  "pools follow the route: connect_config gets the bare connection")}},
      {"envoy.extensions.upstreams.http.generic.v3.GenericConnectionPoolProto", {}},
      {"envoy.config.cluster.v3.TrackClusterStats",
       {Use("request_response_sizes per_endpoint_stats timeout_budgets")}},
      {"envoy.config.cluster.v3.Cluster.EdsClusterConfig", {Use("eds_config service_name")}},
      {"envoy.config.cluster.v3.Cluster.LeastRequestLbConfig",
       {Use("choice_count active_request_bias slow_start_config")}},
      {"envoy.config.cluster.v3.Cluster.RingHashLbConfig",
       {Use("minimum_ring_size maximum_ring_size hash_function")}},
      {"envoy.config.cluster.v3.Cluster.MaglevLbConfig", {Use("table_size")}},
      {"envoy.config.cluster.v3.Cluster.OriginalDstLbConfig",
       {Use("use_http_header http_header_name upstream_port_override"),
        Refuse("metadata_key", "name a header instead: use_http_header")}},
      {"envoy.config.cluster.v3.Cluster.PreconnectPolicy",
       {Use("per_upstream_preconnect_ratio"),
        Leave("predictive_preconnect_ratio",
              "Connections are made ahead for hosts that are in use, not for those to come.")}},
      {"envoy.config.cluster.v3.Cluster.CustomClusterType", {Use("name typed_config")}},
      {"envoy.extensions.clusters.dns.v3.DnsCluster",
       {Use("dns_refresh_rate dns_failure_refresh_rate respect_dns_ttl dns_jitter "
            "typed_dns_resolver_config dns_lookup_family all_addresses_in_single_endpoint "
            "dns_min_refresh_rate")}},
      {"envoy.extensions.clusters.dns.v3.DnsCluster.RefreshRate", {Use("*")}},
      {"envoy.extensions.clusters.aggregate.v3.ClusterConfig", {Use("clusters")}},
      {"envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
       {Use("dns_cache_config allow_insecure_cluster_options"),
        Refuse("sub_clusters_config",
               "write dns_cache_config: names are not made clusters of their own"),
        Leave("allow_coalesced_connections",
              "Requests to different names never share a connection, which is always allowed.")}},
      {"envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig",
       {Use("name dns_lookup_family dns_refresh_rate dns_min_refresh_rate host_ttl max_hosts "
            "disable_dns_refresh_on_failure dns_failure_refresh_rate dns_cache_circuit_breaker "
            "use_tcp_for_dns_lookups dns_resolution_config typed_dns_resolver_config "
            "preresolve_hostnames dns_query_timeout resolved_address_filter"),
        Refuse("key_value_config", "names are not kept beyond the process")}},
      {"envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheCircuitBreakers",
       {Use("max_pending_requests")}},
      {"envoy.config.cluster.v3.LoadBalancingPolicy", {Use("policies")}},
      {"envoy.config.cluster.v3.LoadBalancingPolicy.Policy", {Use("typed_extension_config")}},
      {"envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin",
       {Use("locality_lb_config slow_start_config")}},
      {"envoy.extensions.load_balancing_policies.client_side_weighted_round_robin.v3."
       "ClientSideWeightedRoundRobin",
       {Use("*")}},
      {"envoy.extensions.load_balancing_policies.common.v3.OrcaOobReportingConfig", {Use("*")}},
      {"envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig", {Use("*")}},
      {"envoy.config.cluster.v3.Cluster.SlowStartConfig", {Use("*")}},
      {"envoy.extensions.load_balancing_policies.random.v3.Random", {Use("locality_lb_config")}},
      {"envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash",
       {Use("hash_function minimum_ring_size maximum_ring_size use_hostname_for_hashing "
            "hash_balance_factor consistent_hashing_lb_config locality_weighted_lb_config")}},
      {"envoy.extensions.load_balancing_policies.maglev.v3.Maglev",
       {Use("table_size consistent_hashing_lb_config locality_weighted_lb_config")}},
      {"envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig",
       {Use("use_hostname_for_hashing hash_balance_factor"),
        Refuse("hash_policy", "write hash_policy at the route")}},
      {"envoy.extensions.load_balancing_policies.pick_first.v3.PickFirst",
       {Use("shuffle_address_list").Only("false")}},
      {"envoy.config.cluster.v3.Cluster.LbSubsetConfig", {Use("*")}},
      {"envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector", {Use("*")}},
      {"envoy.extensions.load_balancing_policies.subset.v3.Subset", {Use("*")}},
      {"envoy.extensions.load_balancing_policies.subset.v3.Subset.LbSubsetSelector", {Use("*")}},
      {"envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost", {Use("*")}},
      {"envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost.OverrideHostSource",
       {Use("*")}},
      {"envoy.extensions.load_balancing_policies.wrr_locality.v3.WrrLocality",
       {Use("endpoint_picking_policy")}},
      {"envoy.extensions.load_balancing_policies.cluster_provided.v3.ClusterProvided", {}},
      {"envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest",
       {
           Use("choice_count active_request_bias locality_lb_config slow_start_config"),
           Use("selection_method"),
           Use("enable_full_scan").Only("false", "write selection_method: FULL_SCAN"),
       }},
      {"envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig",
       {Use("locality_weighted_lb_config zone_aware_lb_config")}},
      {"envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig."
       "LocalityWeightedLbConfig",
       {}},
      {"envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig",
       {Use("*")}},
      {"envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.ZoneAwareLbConfig."
       "ForceLocalZone",
       {Use("min_size")}},
      {"envoy.config.cluster.v3.Cluster.CommonLbConfig.ZoneAwareLbConfig", {Use("*")}},
      {"envoy.config.cluster.v3.Cluster.RoundRobinLbConfig", {Use("slow_start_config")}},
      {"envoy.config.cluster.v3.Cluster.CommonLbConfig",
       {
           Use("healthy_panic_threshold locality_weighted_lb_config consistent_hashing_lb_config "
               "ignore_new_hosts_until_first_hc zone_aware_lb_config "
               "close_connections_on_host_set_change override_host_status"),
           Leave("update_merge_window",
                 "It spares Envoy work when hosts change often; updates here cost what changed."),
       }},
      {"envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig", {}},
      {"envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig", {Use("*")}},
      {"envoy.config.core.v3.BindConfig",
       {Use("source_address extra_source_addresses additional_source_addresses freebind "
            "socket_options local_address_selector")}},
      {"envoy.config.core.v3.BindConfig.local_address_selector",
       {Use("name"), Use("typed_config")
                         .Only("envoy.config.upstream.local_address_selector.v3."
                               "DefaultLocalAddressSelector",
                               "the source of the host's IP version is taken")}},
      {"envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector", {}},
      {"envoy.config.core.v3.ExtraSourceAddress", {Use("*")}},
      {"envoy.config.core.v3.HealthStatusSet", {Use("*")}},
      {"envoy.config.core.v3.SocketOptionsOverride", {Use("*")}},
      {"envoy.config.cluster.v3.Cluster.RefreshRate", {Use("*")}},
      {"envoy.config.cluster.v3.CircuitBreakers", {Use("thresholds per_host_thresholds")}},
      {"envoy.config.cluster.v3.CircuitBreakers.per_host_thresholds",
       {Use("priority").Only("DEFAULT"), Use("max_connections")}},
      {"envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget", {Use("*")}},
      {"envoy.config.cluster.v3.CircuitBreakers.Thresholds",
       {
           Use("priority max_connections max_pending_requests max_requests max_retries "
               "track_remaining retry_budget"),
           Leave("max_connection_pools",
                 "Pools whose connections nobody uses give way where max_connections is reached."),
       }},
      {"envoy.config.cluster.v3.UpstreamConnectionOptions",
       {Use("tcp_keepalive happy_eyeballs_config"),
        Leave("set_local_interface_name_on_upstream_connections",
              "It is for extensions in Envoy's own process; nothing here reads such a name.")}},
      {"envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig", {Use("*")}},
      {"envoy.config.cluster.v3.Cluster.common_http_protocol_options",
       {Use(kCommonHttp), Leave("headers_with_underscores_action", kOfClients)}},
      {"envoy.config.cluster.v3.Cluster.http_protocol_options", Http1Client()},
      {"envoy.config.cluster.v3.Cluster.TransportSocketMatch",
       {Use("name match transport_socket")}},
      {"envoy.config.core.v3.UpstreamHttpProtocolOptions",
       {Use("auto_sni auto_san_validation override_auto_sni_header")}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
       {Use("common_http_protocol_options upstream_http_protocol_options explicit_http_config "
            "use_downstream_protocol_config auto_config hash_policy http_filters")}},
      {"proxenos.upstream.lending.v3.ConnectionLending", {Use("*")}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.http_filters",
       {Use("name typed_config is_optional disabled"),
        Refuse("config_discovery", kNoUpstreamDiscovery)}},
      {"envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", {}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.common_http_protocol_options",
       {Use(kCommonHttp), Leave("headers_with_underscores_action", kOfClients)}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig",
       {Use("http_protocol_options http2_protocol_options"),
        Refuse("http3_protocol_options", kNoHttp3)}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig."
       "http_protocol_options",
       Http1Client()},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig",
       {Use("http_protocol_options http2_protocol_options"),
        Refuse("http3_protocol_options", kNoHttp3)}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig."
       "http_protocol_options",
       Http1Client()},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig",
       {Use("http_protocol_options http2_protocol_options"),
        Refuse("http3_protocol_options alternate_protocols_cache_options", kNoHttp3)}},
      {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions.AutoHttpConfig."
       "http_protocol_options",
       Http1Client()},
      {"envoy.config.core.v3.Http2ProtocolOptions",
       {
           Use("hpack_table_size max_concurrent_streams initial_stream_window_size "
               "initial_connection_window_size allow_connect max_outbound_frames "
               "max_outbound_control_frames max_consecutive_inbound_frames_with_empty_payload "
               "max_inbound_priority_frames_per_stream "
               "max_inbound_window_update_frames_per_data_frame_sent "
               "stream_error_on_invalid_http_messaging "
               "override_stream_error_on_invalid_http_message custom_settings_parameters "
               "connection_keepalive stream_reset_burst disallow_obs_text"),
           Use("allow_metadata").Only("false", "METADATA frames are not passed on"),
           Leave("max_metadata_size", "METADATA frames are not passed on."),
           Leave("use_oghttp2_codec", "It chooses among Envoy's own codecs."),
           Leave("enable_huffman_encoding",
                 "Each string is sent in whichever form is shorter; receivers take both."),
           Leave("max_header_field_size_kb",
                 "The limit on a whole head (max_request_headers_kb, max_response_headers_kb) is "
                 "one on each of its fields."),
           Leave("stream_reset_rate",
                 "Streams that end in order earn resets here, time does not: as strict for who "
                 "only resets."),
       }},
      {"envoy.config.core.v3.Http2ProtocolOptions.SettingsParameter", {Use("identifier value")}},
      {"envoy.config.core.v3.KeepaliveSettings",
       {Use("interval timeout interval_jitter connection_idle_interval")}},
      {"envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer", {}},
      {"envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
       {
           Use("config transport_socket"),
           Use("allow_unspecified_address").Only("false"),
           Leave("tlv_as_pool_key",
                 "TLVs that are sent are always those of the connection that they are sent for."),
       }},
      {"envoy.config.core.v3.ProxyProtocolConfig",
       {
           Use("version added_tlvs pass_through_tlvs"),
       }},
      {"envoy.config.core.v3.PerHostConfig", {Use("added_tlvs")}},
      {"envoy.config.core.v3.ProxyProtocolPassThroughTLVs", {Use("match_type tlv_type")}},
      {"envoy.config.core.v3.TlvEntry", {Use("type value format_string")}},
      {"envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
       {Use("resolvers use_resolvers_as_fallback dns_resolver_options query_timeout_seconds "
            "query_tries rotate_nameservers filter_unroutable_families udp_max_queries "
            "edns0_max_payload_size max_udp_channel_duration reinit_channel_on_timeout"),
        Use("qcache_max_ttl").Only("0", "answers are kept by who asked, for as long as they say")}},

      {"envoy.config.core.v3.DnsResolutionConfig", {Use("resolvers dns_resolver_options")}},
      {"envoy.config.core.v3.DnsResolverOptions",
       {Use("use_tcp_for_dns_lookups no_default_search_domain")}},
      {"envoy.config.endpoint.v3.ClusterLoadAssignment",
       {Use("cluster_name endpoints named_endpoints policy")}},
      {"envoy.config.endpoint.v3.ClusterLoadAssignment.Policy",
       {Use("overprovisioning_factor weighted_priority_health endpoint_stale_after"),
        Use("drop_overloads").AtMost(1, "one category is dropped, as in Envoy")}},
      {"envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload", {Use("*")}},
      {"envoy.config.endpoint.v3.LocalityLbEndpoints",
       {
           Use("locality lb_endpoints load_balancer_endpoints load_balancing_weight priority "
               "metadata"),
           Refuse("leds_cluster_locality_config",
                  "endpoints are discovered by EDS alone: write lb_endpoints"),
           Leave("proximity", "No load balancing policy that is implemented reads it."),
       }},
      {"envoy.config.endpoint.v3.LbEndpoint",
       {Use("endpoint endpoint_name health_status load_balancing_weight metadata")}},
      {"envoy.config.endpoint.v3.LocalityLbEndpoints.LbEndpointList", {Use("lb_endpoints")}},
      {"envoy.config.core.v3.Metadata",
       {Use("filter_metadata"), Leave("typed_filter_metadata", kMetadata)}},
      {"envoy.config.endpoint.v3.Endpoint",
       {
           Use("address additional_addresses hostname health_check_config"),
           Leave("observability_name", "Stats of single endpoints go by their addresses."),
       }},
      {"envoy.config.endpoint.v3.Endpoint.AdditionalAddress", {Use("address")}},
  };
}

}  // namespace proxenos::config
