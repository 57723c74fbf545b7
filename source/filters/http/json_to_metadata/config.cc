// Compiles the rules of bodies that become metadata.
#include "source/filters/http/json_to_metadata/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/json_to_metadata/v3/json_to_metadata.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/json_to_metadata/filter.h"
#include "source/json/struct_config.h"
#include "source/match/match_config.h"

namespace proxenos::filters::json_to_metadata {
namespace {

using Proto = envoy::extensions::filters::http::json_to_metadata::v3::JsonToMetadata;

constexpr char kOwnSpace[] = "envoy.filters.http.json_to_metadata";
constexpr stats::ScopeShape kScopes[] = {{"json_to_metadata.rq.", "json_to_metadata.rq.", {}},
                                         {"json_to_metadata.resp.", "json_to_metadata.resp.", {}}};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    const auto* part = static_cast<const JsonToMetadataPart*>(stream.worker_part(*this));
    return std::make_unique<JsonToMetadata>(own == nullptr ? *settings_ : *own, stream, part);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    auto part = std::make_unique<JsonToMetadataPart>();
    for (const int d : {0, 1}) {
      part->stats[d] = registry.Open<JsonToMetadataStats>(stats::ScopeName(kScopes[d], {}));
    }
    return part;
  }

 private:
  const std::shared_ptr<const Settings> settings_;
};

Entry CompileEntry(const Proto::KeyValuePair& proto) {
  Entry entry;
  entry.space = proto.metadata_namespace().empty() ? kOwnSpace : proto.metadata_namespace();
  entry.key = proto.key();
  if (proto.has_value()) entry.value = json::FromProto(proto.value());
  if (proto.type() == Proto::STRING) entry.type = Entry::Type::kText;
  if (proto.type() == Proto::NUMBER) entry.type = Entry::Type::kNumber;
  entry.preserves = proto.preserve_existing_metadata_value();
  return entry;
}

// Of what is not there, and so has no value of its own.
Entry CompileFixed(const Proto::KeyValuePair& proto, const config::Path& path,
                   config::Errors& errors) {
  if (!proto.has_value()) errors.Add(path.Field("value"), "expected a value");
  return CompileEntry(proto);
}

Rule CompileRule(const Proto::Rule& proto, const config::Path& path, config::Errors& errors) {
  Rule rule;
  for (const Proto::Selector& selector : proto.selectors()) {
    if (selector.key().empty()) errors.Add(path.Field("selectors"), "expected a key in each");
    rule.path.push_back(selector.key());
  }
  if (!proto.has_on_present() && !proto.has_on_missing()) {
    errors.Add(path, "expected on_present or on_missing");
  }
  if (proto.has_on_present()) rule.present = CompileEntry(proto.on_present());
  if (proto.has_on_missing()) {
    rule.missing = CompileFixed(proto.on_missing(), path.Field("on_missing"), errors);
  }
  if (proto.has_on_error()) {
    rule.error = CompileFixed(proto.on_error(), path.Field("on_error"), errors);
  }
  return rule;
}

std::optional<Rules> CompileRules(const Proto::MatchRules& proto, const config::Path& path,
                                  config::Errors& errors) {
  if (proto.rules().empty()) return std::nullopt;
  Rules rules;
  for (int i = 0; i < proto.rules_size(); ++i) {
    rules.list.push_back(
        CompileRule(proto.rules(i), path.Field("rules").Index(static_cast<size_t>(i)), errors));
  }
  rules.types.assign(proto.allow_content_types().begin(), proto.allow_content_types().end());
  if (rules.types.empty()) rules.types.push_back("application/json");
  rules.without_type = proto.allow_empty_content_type();
  if (proto.has_allow_content_types_regex()) {
    rules.type_pattern = match::CompileRegex(proto.allow_content_types_regex(), errors,
                                             path.Field("allow_content_types_regex"));
  }
  return rules;
}

// Null, with every error named, when it is wrong.
std::shared_ptr<const Settings> Compile(const google::protobuf::Any& config,
                                        const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings;
  settings.rules[0] = CompileRules(proto.request_rules(), path.Field("request_rules"), errors);
  settings.rules[1] = CompileRules(proto.response_rules(), path.Field("response_rules"), errors);
  if (!settings.rules[0].has_value() && !settings.rules[1].has_value()) {
    errors.Add(path, "expected request_rules or response_rules");
  }
  if (errors.count() != before) return nullptr;
  return std::make_shared<const Settings>(std::move(settings));
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  return Compile(config, path, errors);
}

}  // namespace

const route::OverrideKind kJsonToMetadataOverride{
    "envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateJsonToMetadata(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors) {
  std::shared_ptr<const Settings> settings = Compile(config, path, errors);
  return settings == nullptr ? nullptr : std::make_unique<Factory>(std::move(settings));
}

}  // namespace proxenos::filters::json_to_metadata
