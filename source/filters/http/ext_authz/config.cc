// Compiles the configuration of external authorization.
#include "source/filters/http/ext_authz/config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/mutation_rules_config.h"
#include "source/filters/http/ext_authz/filter.h"
#include "source/filters/http/ext_authz/settings.h"
#include "source/json/struct_config.h"
#include "source/match/match_config.h"
#include "source/match/value_matcher_config.h"
#include "source/rpc/call_retries_config.h"
#include "source/rpc/service_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::filters::ext_authz {
namespace {

namespace v3 = envoy::extensions::filters::http::ext_authz::v3;

constexpr stats::ScopeShape kScope{
    "http.$.ext_authz.", "http.ext_authz.", {"envoy.http_conn_manager_prefix"}};
constexpr stats::ScopeShape kNamedScope{
    "http.$.ext_authz.$.",
    "http.ext_authz.",
    {"envoy.http_conn_manager_prefix", "envoy.ext_authz_prefix"}};
constexpr base::Nanos kDefaultTimeout = 200 * base::kMillisecond;
constexpr char kMethod[] = "/envoy.service.auth.v3.Authorization/Check";

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<ExtAuthz>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<ExtAuthzPart>(registry);
    part->stats = registry.Open<ExtAuthzStats>(
        stat_prefix_.empty() ? stats::ScopeName(kScope, {stat_prefix})
                             : stats::ScopeName(kNamedScope, {stat_prefix, stat_prefix_}));
    return part;
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;
};

BodySettings CompileBody(const v3::BufferSettings& proto) {
  return BodySettings{proto.max_request_bytes(), proto.allow_partial_message(),
                      proto.pack_as_bytes()};
}

HttpServer CompileHttp(const v3::HttpService& proto, const config::Path& path,
                       config::Errors& errors) {
  HttpServer server;
  if (!proto.has_server_uri()) errors.Add(path.Field("server_uri"), "expected a server");
  server.service = rpc::CompileHttpUri(proto.server_uri(), path.Field("server_uri"), errors);
  if (server.service.timeout == 0) server.service.timeout = kDefaultTimeout;
  if (proto.has_retry_policy()) {
    server.retries = rpc::CompileCallRetries(proto.retry_policy(), /*default_on=*/"",
                                             path.Field("retry_policy"), errors);
  }
  server.path_prefix = proto.path_prefix();
  server.path_override = proto.path_override();
  if (!proto.path_prefix().empty() && !proto.path_override().empty()) {
    errors.Add(path, "expected either path_prefix or path_override");
  }
  for (const std::string* text : {&proto.path_prefix(), &proto.path_override()}) {
    if (!text->empty() && (*text)[0] != '/') {
      errors.AddValue(path, *text, "a path that begins with '/'");
    }
  }
  for (const auto& header : proto.authorization_request().headers_to_add()) {
    server.headers_to_add.emplace_back(absl::AsciiStrToLower(header.key()), header.value());
  }
  const auto& response = proto.authorization_response();
  const config::Path at = path.Field("authorization_response");
  server.upstream = match::CompileStringMatchers(response.allowed_upstream_headers(), errors,
                                                 at.Field("allowed_upstream_headers"));
  server.upstream_to_append =
      match::CompileStringMatchers(response.allowed_upstream_headers_to_append(), errors,
                                   at.Field("allowed_upstream_headers_to_append"));
  if (response.allowed_client_headers().patterns_size() > 0) {
    server.client = match::CompileStringMatchers(response.allowed_client_headers(), errors,
                                                 at.Field("allowed_client_headers"));
  }
  server.client_on_success =
      match::CompileStringMatchers(response.allowed_client_headers_on_success(), errors,
                                   at.Field("allowed_client_headers_on_success"));
  server.metadata = match::CompileStringMatchers(response.dynamic_metadata_from_headers(), errors,
                                                 at.Field("dynamic_metadata_from_headers"));
  return server;
}

// A service of HTTP is told little unless more is asked for.
void CompileHttpHeaders(const v3::ExtAuthz& proto, const config::Path& path, config::Errors& errors,
                        Settings& settings) {
  const auto& own = proto.http_service().authorization_request();
  settings.allowed_headers =
      own.has_allowed_headers()
          ? match::CompileStringMatchers(own.allowed_headers(), errors,
                                         path.Field("http_service").Field("authorization_request"))
          : match::CompileStringMatchers(proto.allowed_headers(), errors,
                                         path.Field("allowed_headers"));
  settings.allowed_headers->patterns.emplace_back(match::StringMatcher::Kind::kExact,
                                                  "authorization", /*ignore_case=*/true);
}

void CompileServices(const v3::ExtAuthz& proto, const config::Path& path, config::Errors& errors,
                     Settings& settings) {
  if (proto.has_grpc_service()) {
    settings.grpc = rpc::CompileGrpcService(proto.grpc_service(), kMethod, kDefaultTimeout,
                                            path.Field("grpc_service"), errors);
    if (proto.has_allowed_headers()) {
      settings.allowed_headers = match::CompileStringMatchers(proto.allowed_headers(), errors,
                                                              path.Field("allowed_headers"));
    }
  } else if (proto.has_http_service()) {
    settings.http = CompileHttp(proto.http_service(), path.Field("http_service"), errors);
    CompileHttpHeaders(proto, path, errors, settings);
  } else {
    errors.Add(path, "expected grpc_service or http_service");
  }
}

Settings CompileSettings(const v3::ExtAuthz& proto, const config::Path& path,
                         config::Errors& errors) {
  Settings settings;
  CompileServices(proto, path, errors, settings);
  if (proto.has_with_request_body()) settings.body = CompileBody(proto.with_request_body());
  settings.disallowed_headers = match::CompileStringMatchers(proto.disallowed_headers(), errors,
                                                             path.Field("disallowed_headers"));
  settings.metadata_namespaces.assign(proto.metadata_context_namespaces().begin(),
                                      proto.metadata_context_namespaces().end());
  settings.route_metadata_namespaces.assign(proto.route_metadata_context_namespaces().begin(),
                                            proto.route_metadata_context_namespaces().end());
  settings.labels_key = proto.bootstrap_metadata_labels_key();
  if (proto.has_filter_enabled()) {
    settings.enabled =
        runtime::CompileSetting(proto.filter_enabled(), errors, path.Field("filter_enabled"));
  }
  if (proto.has_filter_enabled_metadata()) {
    settings.enabled_metadata = match::CompileMetadataMatcher(
        proto.filter_enabled_metadata(), errors, path.Field("filter_enabled_metadata"));
  }
  if (proto.has_decoder_header_mutation_rules()) {
    settings.rules = filter::CompileMutationRules(
        proto.decoder_header_mutation_rules(), path.Field("decoder_header_mutation_rules"), errors);
  }
  settings.shadows = proto.shadow_mode();
  settings.limits_responses = proto.enforce_response_header_limits();
  if (proto.has_filter_metadata() || proto.emit_filter_state_stats()) {
    settings.notes = std::make_unique<const Notes>(
        Notes{json::FromProto(proto.filter_metadata()), proto.emit_filter_state_stats()});
  }
  if (proto.has_status_on_error()) {
    settings.status_on_error = static_cast<uint16_t>(proto.status_on_error().code());
  }
  settings.max_denied_body_bytes = proto.max_denied_response_body_bytes();
  settings.deny_at_disable = runtime::CompileSetting(proto.deny_at_disable());
  settings.failure_mode_allow = proto.failure_mode_allow();
  settings.failure_mode_allow_header_add = proto.failure_mode_allow_header_add();
  settings.clear_route_cache = proto.clear_route_cache();
  settings.validate_mutations = proto.validate_mutations();
  settings.include_peer_certificate = proto.include_peer_certificate();
  settings.include_tls_session = proto.include_tls_session();
  settings.encode_raw_headers = proto.encode_raw_headers();
  settings.charge_cluster_stats =
      !proto.has_charge_cluster_response_stats() || proto.charge_cluster_response_stats().value();
  settings.ingest_metadata = !proto.has_enable_dynamic_metadata_ingestion() ||
                             proto.enable_dynamic_metadata_ingestion().value();
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::ExtAuthzPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouteSettings settings;
  settings.disabled = proto.disabled();
  const v3::CheckSettings& check = proto.check_settings();
  const config::Path at = path.Field("check_settings");
  settings.context_extensions.insert(check.context_extensions().begin(),
                                     check.context_extensions().end());
  settings.no_body = check.disable_request_body_buffering();
  if (check.has_with_request_body()) settings.body = CompileBody(check.with_request_body());
  if (settings.no_body && settings.body.has_value()) {
    errors.Add(at, "expected either disable_request_body_buffering or with_request_body");
  }
  if (check.has_grpc_service()) {
    settings.grpc = rpc::CompileGrpcService(check.grpc_service(), kMethod, kDefaultTimeout,
                                            at.Field("grpc_service"), errors);
  }
  if (check.has_http_service()) {
    settings.http = CompileHttp(check.http_service(), at.Field("http_service"), errors);
  }
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kExtAuthzOverride{
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateExtAuthz(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors) {
  v3::ExtAuthz proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings = CompileSettings(proto, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings), proto.stat_prefix());
}

}  // namespace proxenos::filters::ext_authz
