// Compiles the rules of headers that become metadata.
#include "source/filters/http/header_to_metadata/config.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/header_to_metadata/filter.h"
#include "source/route/matcher_config.h"

namespace proxenos::filters::header_to_metadata {
namespace {

using Proto = envoy::extensions::filters::http::header_to_metadata::v3::Config;

constexpr stats::ScopeShape kScope{
    "http_filter_name.$.", "http_filter_name.", {"envoy.header_to_metadata_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    const auto* part = stat_prefix_.empty() ? nullptr : stream.worker_part(*this);
    return std::make_unique<HeaderToMetadata>(own == nullptr ? settings_ : *own, stream,
                                              static_cast<const HeaderToMetadataPart*>(part));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    if (stat_prefix_.empty()) return nullptr;
    auto part = std::make_unique<HeaderToMetadataPart>();
    part->stats = registry.Open<HeaderToMetadataStats>(stats::ScopeName(kScope, {stat_prefix_}));
    return part;
  }

 private:
  const Settings settings_;
  const std::string stat_prefix_;  // Empty: nothing is counted.
};

Entry CompileEntry(const Proto::KeyValuePair& proto, const config::Path& path,
                   config::Errors& errors) {
  Entry entry;
  // Where hosts are chosen by metadata, this is where the choice is looked for.
  entry.space = proto.metadata_namespace().empty() ? "envoy.lb" : proto.metadata_namespace();
  entry.key = proto.key();
  entry.value = proto.value();
  if (proto.has_regex_value_rewrite()) {
    entry.rewrite = route::CompileRegexRewrite(proto.regex_value_rewrite(), errors,
                                               path.Field("regex_value_rewrite"));
  }
  entry.number = proto.type() == Proto::NUMBER;
  entry.base64 = proto.encode() == Proto::BASE64;
  return entry;
}

std::vector<Rule> CompileRules(const google::protobuf::RepeatedPtrField<Proto::Rule>& list,
                               bool request, const config::Path& path, config::Errors& errors) {
  std::vector<Rule> rules;
  for (int i = 0; i < list.size(); ++i) {
    const Proto::Rule& proto = list[i];
    const config::Path at = path.Index(static_cast<size_t>(i));
    Rule rule;
    rule.header = absl::AsciiStrToLower(proto.header());
    rule.field = route::FieldName(rule.header);
    rule.cookie = proto.cookie();
    if (rule.header.empty() == rule.cookie.empty() || (!rule.cookie.empty() && !request)) {
      errors.Add(at, request ? "expected either header or cookie" : "expected header");
    }
    if (proto.has_on_header_present()) {
      rule.present = CompileEntry(proto.on_header_present(), at.Field("on_header_present"), errors);
    }
    if (proto.has_on_header_missing()) {
      rule.missing = CompileEntry(proto.on_header_missing(), at.Field("on_header_missing"), errors);
      if (rule.missing->value.empty()) {
        errors.Add(at.Field("on_header_missing").Field("value"), "expected a value");
      }
    }
    if (!rule.present.has_value() && !rule.missing.has_value()) {
      errors.Add(at, "expected on_header_present or on_header_missing");
    }
    rule.remove = proto.remove();
    rules.push_back(std::move(rule));
  }
  return rules;
}

Settings Compile(const Proto& proto, const config::Path& path, config::Errors& errors) {
  return Settings{
      CompileRules(proto.request_rules(), true, path.Field("request_rules"), errors),
      CompileRules(proto.response_rules(), false, path.Field("response_rules"), errors)};
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  if (!proto.stat_prefix().empty()) {
    errors.Add(path.Field("stat_prefix"), "is the filter's: write it there");
  }
  return std::make_shared<const Settings>(Compile(proto, path, errors));
}

}  // namespace

const route::OverrideKind kHeaderToMetadataOverride{
    "envoy.extensions.filters.http.header_to_metadata.v3.Config", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateHeaderToMetadata(const google::protobuf::Any& config,
                                                              const config::Path& path,
                                                              config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto, path, errors), proto.stat_prefix());
}

}  // namespace proxenos::filters::header_to_metadata
