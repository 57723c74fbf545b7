// What of the HTTP filters beside the router is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> FilterFields() {
  constexpr std::string_view kCorsFields =
      "allow_origin_string_match allow_methods allow_headers expose_headers max_age "
      "allow_credentials filter_enabled allow_private_network_access "
      "forward_not_matching_preflights";
  constexpr std::string_view kShadow =
      "A policy in the shadow is only counted, and the CORS filter keeps no counters yet.";
  return {
      {"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", {}},
      {"envoy.extensions.filters.http.grpc_http1_bridge.v3.Config",
       {Use("upgrade_protobuf_to_grpc ignore_query_parameters")}},
      {"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig",
       {Use("content_type withhold_grpc_frames response_size_header")}},
      {"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfigPerRoute",
       {Use("disabled")}},
      {"envoy.extensions.filters.http.cors.v3.Cors", {}},
      {"envoy.extensions.filters.http.cors.v3.CorsPolicy",
       {Use(kCorsFields), Leave("shadow_enabled", kShadow)}},
      {"envoy.config.route.v3.CorsPolicy", {Use(kCorsFields), Leave("shadow_enabled", kShadow)}},
      {"envoy.extensions.filters.http.buffer.v3.Buffer", {Use("max_request_bytes")}},
      {"envoy.extensions.filters.http.buffer.v3.BufferPerRoute", {Use("disabled buffer")}},
  };
}

}  // namespace proxenos::config
