// Compiles lists of users.
#include "source/filters/http/basic_auth/config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/basic_auth/v3/basic_auth.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/basic_auth/filter.h"

namespace proxenos::filters::basic_auth {
namespace {

namespace v3 = envoy::extensions::filters::http::basic_auth::v3;

constexpr stats::ScopeShape kScope{
    "http.$.basic_auth.", "http.basic_auth.", {"envoy.http_conn_manager_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<RouteSettings>(stream, *this);
    return std::make_unique<BasicAuth>(settings_, own == nullptr ? settings_.users : own->users,
                                       *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<BasicAuthPart>();
    part->stats = registry.Open<BasicAuthStats>(stats::ScopeName(kScope, {stat_prefix}));
    return part;
  }

 private:
  const Settings settings_;
};

Users ReadUsers(const envoy::config::core::v3::DataSource& source, const config::Path& path,
                config::Errors& errors) {
  Users users;
  std::string problem;
  const auto text = config::ReadDataSource(source, path, errors);
  if (text && !ParseUsers(*text, &users, &problem)) errors.Add(path, problem);
  return users;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::BasicAuthPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const RouteSettings>(
      RouteSettings{ReadUsers(proto.users(), path.Field("users"), errors)});
}

}  // namespace

const route::OverrideKind kBasicAuthOverride{
    "envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateBasicAuth(const google::protobuf::Any& config,
                                                       const config::Path& path,
                                                       config::Errors& errors) {
  v3::BasicAuth proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Settings settings;
  // Without users only those of routes pass.
  if (proto.has_users()) settings.users = ReadUsers(proto.users(), path.Field("users"), errors);
  settings.forward_header = absl::AsciiStrToLower(proto.forward_username_header());
  settings.header = proto.authentication_header().empty()
                        ? "authorization"
                        : absl::AsciiStrToLower(proto.authentication_header());
  settings.allow_missing = proto.allow_missing();
  settings.keeps_user = proto.emit_dynamic_metadata();
  if (settings.allow_missing && !settings.keeps_user) {
    errors.Add(path.Field("allow_missing"), "expected emit_dynamic_metadata beside it");
  }
  return std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::basic_auth
