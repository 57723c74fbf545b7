// Compiles lists of keys.
#include "source/filters/http/api_key_auth/config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/api_key_auth/v3/api_key_auth.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/api_key_auth/filter.h"

namespace proxenos::filters::api_key_auth {
namespace {

namespace v3 = envoy::extensions::filters::http::api_key_auth::v3;

constexpr stats::ScopeShape kScope{
    "http.$.api_key_auth.", "http.api_key_auth.", {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<ApiKeyAuth>(settings_, filter::FindSettings<Settings>(stream, *this),
                                        *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<ApiKeyPart>();
    part->stats = registry.Open<ApiKeyStats>(stats::ScopeName(kScope, {stat_prefix}));
    return part;
  }

 private:
  const Settings settings_;
};

// What both messages have.
template <typename Proto>
Settings Compile(const Proto& proto, const config::Path& path, config::Errors& errors) {
  Settings settings;
  for (int i = 0; i < proto.credentials_size(); ++i) {
    if (settings.keys.Add(proto.credentials(i).key(), proto.credentials(i).client())) continue;
    errors.Add(path.Field("credentials").Index(static_cast<size_t>(i)).Field("key"),
               "the key is there twice");
  }
  for (int i = 0; i < proto.key_sources_size(); ++i) {
    const v3::KeySource& source = proto.key_sources(i);
    if (!source.header().empty()) {
      settings.sources.push_back(
          {KeySource::Kind::kHeader, absl::AsciiStrToLower(source.header())});
    } else if (!source.query().empty()) {
      settings.sources.push_back({KeySource::Kind::kQuery, source.query()});
    } else if (!source.cookie().empty()) {
      settings.sources.push_back({KeySource::Kind::kCookie, source.cookie()});
    } else {
      errors.Add(path.Field("key_sources").Index(static_cast<size_t>(i)),
                 "expected one of header, query, cookie");
    }
  }
  settings.has_forwarding = proto.has_forwarding();
  settings.forwarding.header = absl::AsciiStrToLower(proto.forwarding().header());
  settings.forwarding.hide = proto.forwarding().hide_credentials();
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::ApiKeyAuthPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Settings settings = Compile(proto, path, errors);
  settings.allowed.insert(proto.allowed_clients().begin(), proto.allowed_clients().end());
  return std::make_shared<const Settings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kApiKeyAuthOverride{
    "envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateApiKeyAuth(const google::protobuf::Any& config,
                                                        const config::Path& path,
                                                        config::Errors& errors) {
  v3::ApiKeyAuth proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors));
}

}  // namespace proxenos::filters::api_key_auth
