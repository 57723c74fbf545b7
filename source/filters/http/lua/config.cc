// Loading each script once, to see that it can be.
#include "source/filters/http/lua/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/lua/v3/lua.pb.h"
#include "source/config/data_source.h"
#include "source/config/typed_config.h"
#include "source/filters/http/lua/filter.h"
#include "source/filters/http/lua/vm.h"
#include "source/json/struct_config.h"

namespace proxenos::filters::lua {
namespace {

namespace v3 = envoy::extensions::filters::http::lua::v3;

constexpr stats::ScopeShape kScope{"http.$.lua.", "http.lua.", {"envoy.http_conn_manager_prefix"}};
constexpr stats::ScopeShape kNamedScope{
    "http.$.lua.$.", "http.lua.", {"envoy.http_conn_manager_prefix", "envoy.lua_prefix"}};
constexpr size_t kMaxScriptBytes = 1024 * 1024;

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    Lua::Found found = FindScript(stream, *this, settings_);
    if (found.script == nullptr) return nullptr;
    return std::make_unique<Lua>(stream, *this, settings_, std::move(found));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<LuaPart>();
    part->stats = registry.Open<LuaStats>(
        stat_prefix_.empty() ? stats::ScopeName(kScope, {stat_prefix})
                             : stats::ScopeName(kNamedScope, {stat_prefix, stat_prefix_}));
    return part;
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;
};

// Null for an empty script, and for one that is wrong, which is an error.
std::shared_ptr<const Script> Load(std::string name, std::string source, const config::Path& path,
                                   config::Errors& errors) {
  if (source.empty()) return nullptr;
  if (source.size() > kMaxScriptBytes) {
    errors.Add(path, "expected a script of at most 1 MiB");
    return nullptr;
  }
  const Vm vm(name, source);
  if (!vm.error().empty()) {
    errors.Add(path, "script load error: " + vm.error());
    return nullptr;
  }
  Script script{std::move(name), std::move(source), vm.on_request(), vm.on_response()};
  return std::make_shared<const Script>(std::move(script));
}

std::shared_ptr<const Script> Read(const envoy::config::core::v3::DataSource& source,
                                   std::string name, const config::Path& path,
                                   config::Errors& errors) {
  std::optional<std::string> text = config::ReadDataSource(source, path, errors, kMaxScriptBytes);
  if (!text.has_value()) return nullptr;
  return Load(std::move(name), *std::move(text), path, errors);
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::LuaPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouteSettings settings;
  settings.disabled = proto.disabled();
  settings.name = proto.name();
  if (proto.has_source_code()) {
    settings.script = Read(proto.source_code(), "source_code", path.Field("source_code"), errors);
    // An empty one is a script too: the filter's own does not run.
    settings.disabled = settings.script == nullptr;
  }
  if (proto.has_filter_context()) settings.context = json::FromProto(proto.filter_context());
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kLuaOverride{"envoy.extensions.filters.http.lua.v3.LuaPerRoute",
                                       CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateLua(const google::protobuf::Any& config,
                                                 const config::Path& path, config::Errors& errors) {
  v3::Lua proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings;
  if (!proto.inline_code().empty() && proto.has_default_source_code()) {
    errors.Add(path, "expected either inline_code or default_source_code");
  }
  if (proto.has_default_source_code()) {
    settings.script = Read(proto.default_source_code(), "default_source_code",
                           path.Field("default_source_code"), errors);
  } else {
    settings.script = Load("inline_code", proto.inline_code(), path.Field("inline_code"), errors);
  }
  for (const auto& [name, source] : proto.source_codes()) {
    settings.named[name] = Read(source, name, path.Field("source_codes").Key(name), errors);
  }
  settings.context = json::FromProto(proto.filter_context());
  settings.clear_route_cache = !proto.has_clear_route_cache() || proto.clear_route_cache().value();
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(std::move(settings), proto.stat_prefix());
}

}  // namespace proxenos::filters::lua
