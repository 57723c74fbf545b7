// What of the messages that all others share is honoured: addresses, node, config sources, headers.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> CoreFields() {
  constexpr std::string_view kNoRuntime =
      "No setting of this kind asks the runtime: the default value beside it applies.";
  return {
      {"envoy.config.core.v3.Node",
       {Use("id cluster metadata dynamic_parameters locality user_agent_name user_agent_version "
            "user_agent_build_version extensions client_features listening_addresses")}},
      {"xds.core.v3.ContextParams", {Use("*")}},
      {"envoy.config.core.v3.Locality", {Use("*")}},
      {"envoy.config.core.v3.BuildVersion", {Use("*")}},
      {"envoy.type.v3.SemanticVersion", {Use("*")}},
      {"envoy.config.core.v3.Extension", {Use("*")}},
      {"envoy.config.core.v3.Address", {Use("socket_address pipe envoy_internal_address")}},
      {"envoy.config.core.v3.EnvoyInternalAddress", {Use("server_listener_name endpoint_id")}},
      {"envoy.config.core.v3.SocketAddress",
       {
           Use("address port_value ipv4_compat protocol"),
       }},
      {"envoy.config.core.v3.Pipe", {Use("path mode")}},
      {"envoy.config.core.v3.ConfigSource",
       {
           Use("path path_config_source api_config_source ads self initial_fetch_timeout"),
           Use("resource_api_version").Only("V3 AUTO"),
           Use("authorities"),
       }},
      {"xds.core.v3.Authority", {Use("name")}},
      {"envoy.config.core.v3.AggregatedConfigSource", {}},
      {"envoy.config.core.v3.SelfConfigSource", {Use("transport_api_version").Only("V3 AUTO")}},
      {"envoy.config.core.v3.PathConfigSource", {Use("path watched_directory poll_interval")}},
      {"envoy.config.core.v3.WatchedDirectory", {Use("path")}},
      {"envoy.config.core.v3.ApiConfigSource",
       {
           Use("api_type").Only("REST GRPC DELTA_GRPC AGGREGATED_GRPC AGGREGATED_DELTA_GRPC"),
           Use("transport_api_version").Only("V3 AUTO"),
           Use("grpc_services set_node_on_first_message_only rate_limit_settings cluster_names "
               "refresh_delay request_timeout"),
           Refuse("config_validators", "resources are checked by proxenos itself"),
       }},
      {"envoy.config.core.v3.RateLimitSettings", {Use("*")}},
      {"envoy.config.core.v3.GrpcService",
       {
           Use("envoy_grpc google_grpc initial_metadata"),
           Leave("timeout", "A subscription has no end that a timeout could be for."),
           Use("retry_policy"),
       }},
      {"envoy.config.core.v3.RetryPolicy",
       {Use("retry_back_off"),
        Leave("num_retries", "A lost stream is opened again until it succeeds.")}},
      {"envoy.config.core.v3.GrpcService.retry_policy",
       {Use("retry_back_off num_retries retry_on"),
        Refuse("retry_priority retry_host_predicate host_selection_retry_max_attempts",
               "another try goes to the host that the load balancer picks next")}},
      {"envoy.config.core.v3.BackoffStrategy", {Use("base_interval max_interval")}},
      {"envoy.config.core.v3.GrpcService.EnvoyGrpc",
       {Use("cluster_name authority max_receive_message_length retry_policy"),
        Leave("skip_envoy_headers", "No such headers are added to gRPC calls.")}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc",
       {
           Use("target_uri channel_credentials call_credentials channel_args"),
           Leave("per_stream_buffer_limit_bytes", "One message at a time waits to be sent."),
           Use("stat_prefix"),
       }},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelCredentials",
       {Use("ssl_credentials google_default local_credentials")}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.GoogleLocalCredentials", {}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials",
       {Use("access_token google_compute_engine google_refresh_token service_account_jwt_access "
            "google_iam")}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials."
       "ServiceAccountJWTAccessCredentials",
       {Use("*")}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.GoogleIAMCredentials",
       {Use("*")}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelArgs", {Use("*")}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.ChannelArgs.Value", {Use("*")}},
      {"google.protobuf.Empty", {}},
      {"envoy.config.core.v3.GrpcService.GoogleGrpc.SslCredentials", {Use("*")}},
      {"envoy.config.core.v3.HeaderValueOption",
       {Use("header append append_action keep_empty_value")}},
      {"envoy.config.core.v3.HeaderValue", {Use("key value raw_value")}},
      {"envoy.config.core.v3.DataSource",
       {Use("filename inline_bytes inline_string environment_variable"),
        Refuse("watched_directory", "the file is read once")}},
      {"envoy.config.core.v3.ExtensionConfigSource",
       {Use("config_source default_config apply_default_config_without_warming type_urls")}},
      {"envoy.config.core.v3.TypedExtensionConfig", {Use("name typed_config")}},
      {"envoy.config.core.v3.TransportSocket",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer "
                               "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext "
                               "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext "
                               "envoy.extensions.transport_sockets.internal_upstream.v3."
                               "InternalUpstreamTransport "
                               "envoy.extensions.transport_sockets.proxy_protocol.v3."
                               "ProxyProtocolUpstreamTransport")}},
      {"envoy.config.core.v3.TcpKeepalive", {Use("*")}},
      {"envoy.type.v3.Percent", {Use("*")}},
      {"envoy.config.core.v3.RuntimeFractionalPercent", {Use("default_value runtime_key")}},
      {"envoy.config.core.v3.RuntimeDouble",
       {Use("default_value"), Leave("runtime_key", kNoRuntime)}},
      {"envoy.config.core.v3.RuntimeUInt32", {Use("default_value runtime_key")}},
  };
}

}  // namespace proxenos::config
