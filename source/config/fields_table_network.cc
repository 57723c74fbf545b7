// What of network filters is honoured, besides the HTTP connection manager.
#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

MessageRules TcpProxyFields() {
  return {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
          {
              Use("stat_prefix cluster weighted_clusters idle_timeout access_log "
                  "access_log_options max_connect_attempts backoff_options "
                  "max_downstream_connection_duration "
                  "max_downstream_connection_duration_jitter_percentage "
                  "access_log_flush_interval flush_access_log_on_connected "
                  "upstream_connect_mode tunneling_config on_demand"),
              Leave("max_early_data_bytes",
                    "What a client sends before its host is connected waits in the kernel."),
              Leave("downstream_idle_timeout upstream_idle_timeout",
                    "Envoy does not implement them either."),
              Use("metadata_match hash_policy"),
              Use("proxy_protocol_tlvs proxy_protocol_tlv_merge_policy check_drain_close"),
          }};
}

}  // namespace

std::vector<MessageRules> NetworkFields() {
  return {
      TcpProxyFields(),
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig",
       {
           Use("hostname use_post headers_to_add post_path"),
           Leave("propagate_response_headers propagate_response_trailers",
                 "They go to filter state, which nothing reads."),
           Refuse("request_id_extension request_id_header request_id_metadata_key",
                  "write a header of headers_to_add"),
           Refuse("formatters", "write the operators that are built in"),
       }},
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.OnDemand",
       {Use("odcds_config timeout"),
        Refuse("resources_locator", "clusters are asked for by the names that are configured")}},
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster", {Use("clusters")}},
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight",
       {Use("name weight metadata_match")}},
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.hash_policy",
       {Use("source_ip filter_state")}},
      {"envoy.type.v3.HashPolicy.SourceIp", {}},
      {"envoy.type.v3.HashPolicy.FilterState", {Use("key")}},
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TcpAccessLogOptions",
       {Use("access_log_flush_interval flush_access_log_on_connected flush_access_log_on_start")}},
      {"envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
       {Use("stat_prefix max_connections delay runtime_enabled")}},
      {"envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit",
       {Use("stat_prefix token_bucket runtime_enabled"),
        Refuse("share_key", "each filter has a token bucket of its own")}},
      {"envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
       {Leave("buffer_size_kb", "The kernel's buffers are between the two ends.")}},
      {"envoy.extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
       {Use("transport_socket"),
        Refuse("passthrough_metadata", "no metadata is kept that could be passed on")}},
      {"envoy.extensions.filters.network.direct_response.v3.Config", {Use("response")}},
      {"envoy.extensions.filters.network.echo.v3.Echo", {}},
      {"envoy.extensions.filters.network.sni_cluster.v3.SniCluster", {}},
      {"envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig",
       {Use("dns_cache_config port_value save_upstream_address")}},
      {"envoy.extensions.filters.network.set_filter_state.v3.Config", {Use("*")}},
      {"envoy.extensions.filters.network.ratelimit.v3.RateLimit", {Use("*")}},
      {"envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
       {
           Use("stat_prefix grpc_service failure_mode_allow include_peer_certificate"),
           Use("transport_api_version").Only("V3 AUTO"),
           Use("filter_enabled_metadata bootstrap_metadata_labels_key include_tls_session"),
           Use("metadata_context_namespaces"),
           Leave("typed_metadata_context_namespaces",
                 "There is no typed metadata that could be sent."),
           Refuse("send_tls_alert_on_denial", "a connection that is denied is closed"),
           Refuse("shadow_mode", "the decision is always enforced"),
       }},
  };
}

}  // namespace proxenos::config
