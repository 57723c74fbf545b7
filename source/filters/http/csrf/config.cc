// Compiles policies against forged requests.
#include "source/filters/http/csrf/config.h"

#include <utility>

#include "envoy/extensions/filters/http/csrf/v3/csrf.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/csrf/filter.h"
#include "source/match/match_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::filters::csrf {
namespace {

using Proto = envoy::extensions::filters::http::csrf::v3::CsrfPolicy;

constexpr stats::ScopeShape kScope{
    "http.$.csrf.", "http.csrf.", {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Policy policy) : policy_(std::move(policy)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Policy>(stream, *this);
    return std::make_unique<Csrf>(own == nullptr ? policy_ : *own, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<CsrfPart>();
    part->stats = registry.Open<CsrfStats>(stats::ScopeName(kScope, {stat_prefix}));
    return part;
  }

 private:
  const Policy policy_;
};

Policy Compile(const Proto& proto, const config::Path& path, config::Errors& errors) {
  Policy policy;
  policy.enabled =
      runtime::CompileSetting(proto.filter_enabled(), errors, path.Field("filter_enabled"));
  if (proto.has_shadow_enabled()) {
    policy.shadow =
        runtime::CompileSetting(proto.shadow_enabled(), errors, path.Field("shadow_enabled"));
  }
  for (int i = 0; i < proto.additional_origins_size(); ++i) {
    auto matcher =
        match::CompileStringMatcher(proto.additional_origins(i), errors,
                                    path.Field("additional_origins").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) policy.origins.push_back(*std::move(matcher));
  }
  return policy;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const Policy>(Compile(proto, path, errors));
}

}  // namespace

const route::OverrideKind kCsrfOverride{"envoy.extensions.filters.http.csrf.v3.CsrfPolicy",
                                        CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateCsrf(const google::protobuf::Any& config,
                                                  const config::Path& path,
                                                  config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::csrf
