// One line a filter.
#include "source/server/builtin_filters.h"

#include "source/filter/composite_config.h"
#include "source/filter/matcher_gate_config.h"
#include "source/filters/http/adaptive_concurrency/config.h"
#include "source/filters/http/admission_control/config.h"
#include "source/filters/http/api_key_auth/config.h"
#include "source/filters/http/aws_request_signing/config.h"
#include "source/filters/http/bandwidth_limit/config.h"
#include "source/filters/http/basic_auth/config.h"
#include "source/filters/http/buffer/config.h"
#include "source/filters/http/cache/config.h"
#include "source/filters/http/compressor/config.h"
#include "source/filters/http/cors/config.h"
#include "source/filters/http/credential_injector/config.h"
#include "source/filters/http/csrf/config.h"
#include "source/filters/http/custom_response/config.h"
#include "source/filters/http/decompressor/config.h"
#include "source/filters/http/dynamic_forward_proxy/config.h"
#include "source/filters/http/ext_authz/config.h"
#include "source/filters/http/ext_proc/config.h"
#include "source/filters/http/fault/config.h"
#include "source/filters/http/grpc_http1_bridge/config.h"
#include "source/filters/http/grpc_http1_reverse_bridge/config.h"
#include "source/filters/http/grpc_json_transcoder/config.h"
#include "source/filters/http/grpc_stats/config.h"
#include "source/filters/http/grpc_web/config.h"
#include "source/filters/http/header_mutation/config.h"
#include "source/filters/http/header_to_metadata/config.h"
#include "source/filters/http/health_check/config.h"
#include "source/filters/http/json_to_metadata/config.h"
#include "source/filters/http/jwt_authn/config.h"
#include "source/filters/http/local_ratelimit/config.h"
#include "source/filters/http/lua/config.h"
#include "source/filters/http/oauth2/config.h"
#include "source/filters/http/on_demand/config.h"
#include "source/filters/http/ratelimit/config.h"
#include "source/filters/http/rbac/config.h"
#include "source/filters/http/router/router_config.h"
#include "source/filters/http/set_filter_state/config.h"
#include "source/filters/http/set_metadata/config.h"
#include "source/filters/http/shield/config.h"
#include "source/filters/http/stateful_session/config.h"
#include "source/filters/http/upstream_codec/config.h"
#include "source/filters/http/waf/config.h"
#include "source/filters/listener/http_inspector/http_inspector_config.h"
#include "source/filters/listener/original_dst/original_dst_config.h"
#include "source/filters/listener/proxy_protocol/proxy_protocol_config.h"
#include "source/filters/listener/tls_inspector/tls_inspector_config.h"
#include "source/filters/network/connection_limit/connection_limit_config.h"
#include "source/filters/network/direct_response/direct_response_config.h"
#include "source/filters/network/echo/echo_config.h"
#include "source/filters/network/ext_authz/ext_authz_config.h"
#include "source/filters/network/local_ratelimit/local_ratelimit_config.h"
#include "source/filters/network/ratelimit/ratelimit_config.h"
#include "source/filters/network/rbac/rbac_config.h"
#include "source/filters/network/set_filter_state/set_filter_state_config.h"
#include "source/filters/network/sni_cluster/sni_cluster_config.h"
#include "source/filters/network/sni_dynamic_forward_proxy/sni_dynamic_forward_proxy_config.h"
#include "source/filters/network/tcp_proxy/tcp_proxy_config.h"
#include "source/filters/udp/udp_proxy/udp_proxy_config.h"

namespace proxenos::server {

namespace {

namespace f = filters;

using Place = filter::FilterKind::Place;
// Those that are of use between the router and a host.
constexpr Place kBoth = Place::kBoth;

constexpr filter::FilterKind kHttpFilters[] = {
    {"envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency", false,
     f::adaptive_concurrency::CreateAdaptiveConcurrency},
    {"envoy.extensions.filters.http.admission_control.v3.AdmissionControl", false,
     f::admission_control::CreateAdmissionControl, nullptr, kBoth},
    {"envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth", false,
     f::api_key_auth::CreateApiKeyAuth, &f::api_key_auth::kApiKeyAuthOverride},
    {"envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning", false,
     f::aws_request_signing::CreateAwsRequestSigning,
     &f::aws_request_signing::kAwsRequestSigningOverride, kBoth},
    {"envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit", false,
     f::bandwidth_limit::CreateBandwidthLimit, &f::bandwidth_limit::kBandwidthLimitOverride},
    {"envoy.extensions.filters.http.basic_auth.v3.BasicAuth", false, f::basic_auth::CreateBasicAuth,
     &f::basic_auth::kBasicAuthOverride},
    {"envoy.extensions.filters.http.buffer.v3.Buffer", false, f::buffer::CreateBuffer,
     &f::buffer::kBufferOverride, kBoth},
    {"envoy.extensions.filters.http.cache.v3.CacheConfig", false, f::cache::CreateCache},
    {"envoy.extensions.filters.http.cache_v2.v3.CacheV2Config", false, f::cache::CreateCacheV2},
    {"envoy.extensions.filters.http.compressor.v3.Compressor", false,
     f::compressor::CreateCompressor, &f::compressor::kCompressorOverride, kBoth},
    {"envoy.extensions.filters.http.cors.v3.Cors", false, f::cors::CreateCors,
     &f::cors::kCorsOverride},
    {"envoy.extensions.filters.http.credential_injector.v3.CredentialInjector", false,
     f::credential_injector::CreateCredentialInjector, nullptr, kBoth},
    {"envoy.extensions.filters.http.csrf.v3.CsrfPolicy", false, f::csrf::CreateCsrf,
     &f::csrf::kCsrfOverride},
    {"envoy.extensions.filters.http.custom_response.v3.CustomResponse", false,
     f::custom_response::CreateCustomResponse, &f::custom_response::kCustomResponseOverride},
    {"envoy.extensions.filters.http.decompressor.v3.Decompressor", false,
     f::decompressor::CreateDecompressor, nullptr, kBoth},
    {"envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig", false,
     f::dynamic_forward_proxy::CreateDynamicForwardProxy,
     &f::dynamic_forward_proxy::kDynamicForwardProxyOverride},
    {"envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", false, f::ext_authz::CreateExtAuthz,
     &f::ext_authz::kExtAuthzOverride},
    {"envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor", false,
     f::ext_proc::CreateExtProc, &f::ext_proc::kExtProcOverride, kBoth},
    {"envoy.extensions.filters.http.fault.v3.HTTPFault", false, f::fault::CreateFault,
     &f::fault::kFaultOverride},
    {"envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder", false,
     f::grpc_json_transcoder::CreateGrpcJsonTranscoder,
     &f::grpc_json_transcoder::kGrpcJsonTranscoderOverride},
    {"envoy.extensions.filters.http.grpc_http1_bridge.v3.Config", false,
     f::grpc_http1_bridge::CreateGrpcHttp1Bridge},
    {"envoy.extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig", false,
     f::grpc_http1_reverse_bridge::CreateReverseBridge,
     &f::grpc_http1_reverse_bridge::kReverseBridgeOverride},
    {"envoy.extensions.filters.http.grpc_stats.v3.FilterConfig", false,
     f::grpc_stats::CreateGrpcStats},
    {"envoy.extensions.filters.http.grpc_web.v3.GrpcWeb", false, f::grpc_web::CreateGrpcWeb},
    {"envoy.extensions.filters.http.header_to_metadata.v3.Config", false,
     f::header_to_metadata::CreateHeaderToMetadata,
     &f::header_to_metadata::kHeaderToMetadataOverride, kBoth},
    {"envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", false,
     f::header_mutation::CreateHeaderMutation, &f::header_mutation::kHeaderMutationOverride, kBoth},
    {"envoy.extensions.filters.http.health_check.v3.HealthCheck", false,
     f::health_check::CreateHealthCheck},
    {"envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata", false,
     f::json_to_metadata::CreateJsonToMetadata, &f::json_to_metadata::kJsonToMetadataOverride},
    {"envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", false,
     f::jwt_authn::CreateJwtAuthn, &f::jwt_authn::kJwtAuthnOverride},
    {"envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", false,
     f::local_ratelimit::CreateLocalRateLimit, &f::local_ratelimit::kLocalRateLimitOverride, kBoth},
    {"envoy.extensions.filters.http.lua.v3.Lua", false, f::lua::CreateLua, &f::lua::kLuaOverride},
    {"envoy.extensions.filters.http.oauth2.v3.OAuth2", false, f::oauth2::CreateOAuth2,
     &f::oauth2::kOAuth2Override},
    {"envoy.extensions.filters.http.on_demand.v3.OnDemand", false, f::on_demand::CreateOnDemand,
     &f::on_demand::kOnDemandOverride},
    {"envoy.extensions.filters.http.ratelimit.v3.RateLimit", false, f::ratelimit::CreateRateLimit,
     &f::ratelimit::kRateLimitOverride},
    {"envoy.extensions.filters.http.rbac.v3.RBAC", false, f::http_rbac::CreateRbac,
     &f::http_rbac::kRbacOverride, kBoth},
    {"envoy.extensions.filters.http.set_filter_state.v3.Config", false,
     f::set_filter_state::CreateSetFilterState, &f::set_filter_state::kSetFilterStateOverride,
     kBoth},
    {"envoy.extensions.filters.http.set_metadata.v3.Config", false,
     f::set_metadata::CreateSetMetadata, nullptr, kBoth},
    {"envoy.extensions.filters.http.stateful_session.v3.StatefulSession", false,
     f::stateful_session::CreateStatefulSession, &f::stateful_session::kStatefulSessionOverride},
    // Several filters, of which a matcher chooses: the connection manager compiles them.
    {filter::kComposite, false, filter::RefuseComposite, &filter::kCompositeOverride, kBoth},
    // Another filter behind a matcher: the connection manager compiles both.
    {filter::kExtensionWithMatcher, false, nullptr, &filter::kMatcherGateOverride, kBoth},
    {"proxenos.filters.http.shield.v3.Shield", false, f::shield::CreateShield,
     &f::shield::kShieldOverride},
    {"proxenos.filters.http.waf.v3.Waf", false, f::waf::CreateWaf, &f::waf::kWafOverride},
    {"envoy.extensions.filters.http.router.v3.Router", true, f::router::CreateRouter, nullptr,
     Place::kDownstream, f::router::CreateRouterAmong},
    {"envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec", true,
     f::upstream_codec::CreateUpstreamCodec, nullptr, Place::kUpstream},
};

}  // namespace

filter::FilterKinds BuiltinFilters() { return kHttpFilters; }

filter::ListenerFilterKinds BuiltinListenerFilters() {
  namespace f = filters;
  static constexpr filter::ListenerFilterKind kKinds[] = {
      {"envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
       f::http_inspector::CreateHttpInspector},
      {"envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
       f::original_dst::CreateOriginalDst},
      {"envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
       f::proxy_protocol::CreateProxyProtocol},
      {"envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
       f::tls_inspector::CreateTlsInspector},
  };
  return kKinds;
}

// The HTTP connection manager is the one kind that is not in a table.
downstream::NetworkKinds BuiltinNetworkFilters() {
  namespace f = filters;
  static constexpr filter::NetworkFilterKind kFilters[] = {
      {"envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
       f::connection_limit::CreateConnectionLimit},
      {"envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit",
       f::network_local_ratelimit::CreateLocalRateLimit},
      {"envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
       f::network_ext_authz::CreateExtAuthz},
      {"envoy.extensions.filters.network.ratelimit.v3.RateLimit",
       f::network_ratelimit::CreateRateLimit},
      {"envoy.extensions.filters.network.rbac.v3.RBAC", f::rbac::CreateRbac},
      {"envoy.extensions.filters.network.set_filter_state.v3.Config",
       f::network_set_filter_state::CreateSetFilterState},
      {"envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig",
       f::sni_dynamic_forward_proxy::CreateSniDynamicForwardProxy},
      {"envoy.extensions.filters.network.sni_cluster.v3.SniCluster",
       f::sni_cluster::CreateSniCluster},
  };
  static constexpr downstream::NetworkTerminalKind kTerminals[] = {
      {"envoy.extensions.filters.network.direct_response.v3.Config",
       f::direct_response::CreateDirectResponse},
      {"envoy.extensions.filters.network.echo.v3.Echo", f::echo::CreateEcho},
      {"envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", f::tcp_proxy::CreateTcpProxy},
  };
  static constexpr downstream::DatagramTerminalKind kDatagrams[] = {
      {"envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig", f::udp_proxy::CreateUdpProxy},
  };
  return {kFilters, kTerminals, kDatagrams};
}

}  // namespace proxenos::server
