// Tags, sampling, decorators.
#include "source/route/tracing_config.h"

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "source/runtime/setting_config.h"

namespace proxenos::route {
namespace {

using TagProto = envoy::type::tracing::v3::CustomTag;
using MetadataKind = envoy::type::metadata::v3::MetadataKind;

void CompileMetadataTag(const TagProto::Metadata& proto, const config::Path& path,
                        config::Errors& errors, CustomTag& tag) {
  switch (proto.kind().kind_case()) {
    case MetadataKind::kRequest:
      tag.kind = CustomTag::Kind::kRequestMetadata;
      break;
    case MetadataKind::kRoute:
      tag.kind = CustomTag::Kind::kRouteMetadata;
      break;
    default:
      errors.Add(path.Field("kind"), "expected request or route: the metadata that tags can show");
  }
  tag.name = proto.metadata_key().key();
  tag.otherwise = proto.default_value();
  const config::Path steps = path.Field("metadata_key").Field("path");
  for (int i = 0; i < proto.metadata_key().path_size(); ++i) {
    const auto& step = proto.metadata_key().path(i);
    if (step.key().empty()) {
      errors.Add(steps.Index(static_cast<size_t>(i)), "expected a key: lists have no tags");
    }
    tag.path.push_back(step.key());
  }
}

CustomTag CompileCustomTag(const TagProto& proto, AddFormat add_format, const config::Path& path,
                           config::Errors& errors) {
  CustomTag tag;
  tag.tag = proto.tag();
  switch (proto.type_case()) {
    case TagProto::kLiteral:
      tag.otherwise = proto.literal().value();
      break;
    case TagProto::kEnvironment: {
      const char* value = std::getenv(proto.environment().name().c_str());
      tag.otherwise = value == nullptr ? proto.environment().default_value() : value;
      break;
    }
    case TagProto::kRequestHeader:
      tag.kind = CustomTag::Kind::kRequestHeader;
      tag.name = absl::AsciiStrToLower(proto.request_header().name());
      tag.otherwise = proto.request_header().default_value();
      break;
    case TagProto::kMetadata:
      CompileMetadataTag(proto.metadata(), path.Field("metadata"), errors, tag);
      break;
    case TagProto::kValue:
      tag.kind = CustomTag::Kind::kFormat;
      tag.format = add_format(proto.value(), path.Field("value"));
      break;
    case TagProto::TYPE_NOT_SET:
      errors.Add(path, "expected one of literal, environment, request_header, metadata, value");
  }
  return tag;
}

}  // namespace

std::vector<CustomTag> CompileCustomTags(const google::protobuf::RepeatedPtrField<TagProto>& protos,
                                         AddFormat add_format, const config::Path& path,
                                         config::Errors& errors) {
  std::map<std::string, CustomTag> by_name;
  for (int i = 0; i < protos.size(); ++i) {
    CustomTag tag =
        CompileCustomTag(protos[i], add_format, path.Index(static_cast<size_t>(i)), errors);
    std::string name = tag.tag;
    by_name.insert_or_assign(std::move(name), std::move(tag));
  }
  std::vector<CustomTag> tags;
  tags.reserve(by_name.size());
  for (auto& [name, tag] : by_name) tags.push_back(std::move(tag));
  return tags;
}

std::shared_ptr<const RouteTracing> CompileRouteTracing(
    const envoy::config::route::v3::Route& proto, Compilation& compilation,
    const config::Path& path) {
  if (!proto.has_decorator() && !proto.has_tracing()) return nullptr;
  auto result = std::make_unique<RouteTracing>();
  result->decorator = proto.decorator().operation();
  result->propagate = !proto.decorator().has_propagate() || proto.decorator().propagate().value();
  if (!proto.has_tracing()) return result;
  result->configured = true;
  const auto& tracing = proto.tracing();
  const config::Path at = path.Field("tracing");
  config::Errors& errors = compilation.errors();
  const auto add_format = [&compilation](const std::string& text, const config::Path& place) {
    return compilation.Format(text, place);
  };
  Sampling& sampling = result->sampling;
  if (tracing.has_client_sampling()) {
    sampling.client.otherwise =
        runtime::CompileFraction(tracing.client_sampling(), errors, at.Field("client_sampling"));
  }
  if (tracing.has_random_sampling()) {
    sampling.random.otherwise =
        runtime::CompileFraction(tracing.random_sampling(), errors, at.Field("random_sampling"));
  }
  if (tracing.has_overall_sampling()) {
    sampling.overall.otherwise =
        runtime::CompileFraction(tracing.overall_sampling(), errors, at.Field("overall_sampling"));
  }
  result->tags =
      CompileCustomTags(tracing.custom_tags(), add_format, at.Field("custom_tags"), errors);
  if (!tracing.operation().empty()) {
    result->operation = compilation.Format(tracing.operation(), at.Field("operation"));
  }
  if (!tracing.upstream_operation().empty()) {
    result->upstream_operation =
        compilation.Format(tracing.upstream_operation(), at.Field("upstream_operation"));
  }
  return result;
}

}  // namespace proxenos::route
