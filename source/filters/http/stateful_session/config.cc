// Compiles where sessions stand.
#include "source/filters/http/stateful_session/config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/stateful_session/v3/stateful_session.pb.h"
#include "envoy/extensions/http/stateful_session/cookie/v3/cookie.pb.h"
#include "envoy/extensions/http/stateful_session/header/v3/header.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/stateful_session/filter.h"

namespace proxenos::filters::stateful_session {
namespace {

namespace v3 = envoy::extensions::filters::http::stateful_session::v3;
namespace session = envoy::extensions::http::stateful_session;

constexpr stats::ScopeShape kScope{"http.$.stateful_session.$.",
                                   "http.stateful_session.",
                                   {"envoy.http_conn_manager_prefix", "envoy.stateful_session"}};

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    // Settings of routes are not counted, as in Envoy.
    auto* part = own != nullptr || stat_prefix_.empty()
                     ? nullptr
                     : static_cast<StatefulSessionPart*>(stream.worker_part(*this));
    return std::make_unique<StatefulSession>(own == nullptr ? settings_ : *own, part, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    if (stat_prefix_.empty()) return nullptr;
    auto part = std::make_unique<StatefulSessionPart>();
    part->stats =
        registry.Open<StatefulSessionStats>(stats::ScopeName(kScope, {stat_prefix, stat_prefix_}));
    return part;
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;
};

void SetCookie(const envoy::type::http::v3::Cookie& proto, SessionState& state) {
  state.kind = SessionState::Kind::kCookie;
  state.name = proto.name();
  state.ttl = proto.ttl().seconds() * base::kSecond;
  state.path = proto.path();
  for (const auto& attribute : proto.attributes()) {
    state.attributes.emplace_back(attribute.name(), attribute.value());
  }
}

SessionState CompileState(const v3::StatefulSession& proto, const config::Path& path,
                          config::Errors& errors) {
  SessionState state;
  if (!proto.has_session_state()) return state;
  const auto& any = proto.session_state().typed_config();
  const config::Path at = path.Field("session_state").Field("typed_config");
  session::cookie::v3::CookieBasedSessionState cookie;
  session::header::v3::HeaderBasedSessionState header;
  const std::string type = config::TypedConfigType(any);
  if (type == cookie.GetDescriptor()->full_name()) {
    if (config::UnpackTypedConfigTo(any, cookie, at, errors)) SetCookie(cookie.cookie(), state);
  } else if (type == header.GetDescriptor()->full_name()) {
    if (!config::UnpackTypedConfigTo(any, header, at, errors)) return state;
    state.kind = SessionState::Kind::kHeader;
    state.name = absl::AsciiStrToLower(header.name());
  } else {
    errors.AddValue(at, type, "CookieBasedSessionState or HeaderBasedSessionState");
  }
  return state;
}

Settings Compile(const v3::StatefulSession& proto, const config::Path& path,
                 config::Errors& errors) {
  Settings settings;
  settings.state = CompileState(proto, path, errors);
  settings.strict = proto.strict();
  return settings;
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::StatefulSessionPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Settings settings;
  if (proto.has_stateful_session()) {
    settings = Compile(proto.stateful_session(), path.Field("stateful_session"), errors);
  }
  settings.disabled = proto.disabled();
  return std::make_shared<const Settings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kStatefulSessionOverride{
    "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateStatefulSession(const google::protobuf::Any& config,
                                                             const config::Path& path,
                                                             config::Errors& errors) {
  v3::StatefulSession proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors), proto.stat_prefix());
}

}  // namespace proxenos::filters::stateful_session
