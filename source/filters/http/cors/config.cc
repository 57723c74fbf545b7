// Compiles CORS policies.
#include "source/filters/http/cors/config.h"

#include <utility>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/http/cors/filter.h"
#include "source/match/match_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::filters::cors {
namespace {

constexpr stats::ScopeShape kScope{
    "http.$.cors.", "http.cors.", {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Cors>(*this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<CorsPart>();
    part->stats = registry.Open<CorsStats>(stats::ScopeName(kScope, {stat_prefix}));
    return part;
  }
};

template <typename Bool>
std::optional<bool> Optional(bool present, const Bool& wrapper) {
  return present ? std::optional<bool>(wrapper.value()) : std::nullopt;
}

// Both types of policy have the same fields.
template <typename Proto>
std::shared_ptr<const void> CompilePolicy(const google::protobuf::Any& config,
                                          const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  CorsPolicy policy;
  for (int i = 0; i < proto.allow_origin_string_match_size(); ++i) {
    auto matcher = match::CompileStringMatcher(
        proto.allow_origin_string_match(i), errors,
        path.Field("allow_origin_string_match").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) policy.allow_origins.push_back(*std::move(matcher));
  }
  policy.allow_methods = proto.allow_methods();
  policy.allow_headers = proto.allow_headers();
  policy.expose_headers = proto.expose_headers();
  policy.max_age = proto.max_age();
  policy.allow_credentials = Optional(proto.has_allow_credentials(), proto.allow_credentials());
  policy.allow_private_network_access =
      Optional(proto.has_allow_private_network_access(), proto.allow_private_network_access());
  policy.forward_not_matching_preflights = Optional(proto.has_forward_not_matching_preflights(),
                                                    proto.forward_not_matching_preflights());
  if (proto.has_filter_enabled()) {
    policy.enabled =
        runtime::CompileSetting(proto.filter_enabled(), errors, path.Field("filter_enabled"));
  }
  if (proto.has_shadow_enabled()) {
    policy.shadow =
        runtime::CompileSetting(proto.shadow_enabled(), errors, path.Field("shadow_enabled"));
  }
  return std::make_shared<const CorsPolicy>(std::move(policy));
}

std::shared_ptr<const void> CreatePolicy(const google::protobuf::Any& config,
                                         const config::Path& path, config::Errors& errors) {
  if (config::TypedConfigType(config) == "envoy.config.route.v3.CorsPolicy") {
    return CompilePolicy<envoy::config::route::v3::CorsPolicy>(config, path, errors);
  }
  return CompilePolicy<envoy::extensions::filters::http::cors::v3::CorsPolicy>(config, path,
                                                                               errors);
}

}  // namespace

const route::OverrideKind kCorsOverride{"envoy.extensions.filters.http.cors.v3.CorsPolicy",
                                        CreatePolicy};

std::unique_ptr<filter::FilterFactory> CreateCors(const google::protobuf::Any& config,
                                                  const config::Path& path,
                                                  config::Errors& errors) {
  envoy::extensions::filters::http::cors::v3::Cors proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>();
}

}  // namespace proxenos::filters::cors
