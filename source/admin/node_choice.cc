// envoy.type.matcher.v3.NodeMatcher and StructMatcher against a node.
#include "source/admin/node_choice.h"

#include <utility>

#include "envoy/type/matcher/v3/node.pb.h"
#include "source/config/constraints.h"
#include "source/json/struct_config.h"
#include "source/match/match_config.h"
#include "source/match/value_matcher.h"
#include "source/match/value_matcher_config.h"

namespace proxenos::admin {
namespace {

using envoy::type::matcher::v3::NodeMatcher;
using envoy::type::matcher::v3::StructMatcher;

bool Matches(const StructMatcher& config, const json::Object& metadata, config::Errors& errors,
             const config::Path& path) {
  auto value = match::CompileValueMatcher(config.value(), errors, path.Field("value"));
  if (!value) return false;
  match::MetadataMatcher matcher{{}, *std::move(value)};
  for (const StructMatcher::PathSegment& segment : config.path()) {
    matcher.path.push_back(segment.key());
  }
  return matcher.Matches(&metadata);
}

bool Matches(const NodeMatcher& config, const envoy::config::core::v3::Node& node,
             const json::Object& metadata, config::Errors& errors, const config::Path& path) {
  bool matches = true;
  if (config.has_node_id()) {
    const auto id = match::CompileStringMatcher(config.node_id(), errors, path.Field("node_id"));
    matches = id.has_value() && id->Matches(node.id());
  }
  const config::Path all = path.Field("node_metadatas");
  for (int i = 0; i < config.node_metadatas_size(); ++i) {
    const config::Path at = all.Index(static_cast<size_t>(i));
    if (!Matches(config.node_metadatas(i), metadata, errors, at)) matches = false;
  }
  return matches;
}

}  // namespace

std::optional<bool> AsksFor(const envoy::service::status::v3::ClientStatusRequest& asked,
                            const envoy::config::core::v3::Node& node, config::Errors& errors) {
  if (asked.node_matchers().empty()) return true;
  config::CheckConstraints(asked, errors);
  if (!errors.ok()) return std::nullopt;
  const json::Object metadata = json::FromProto(node.metadata());
  const config::Path all("node_matchers");
  bool any = false;
  for (int i = 0; i < asked.node_matchers_size(); ++i) {
    const config::Path at = all.Index(static_cast<size_t>(i));
    if (Matches(asked.node_matchers(i), node, metadata, errors, at)) any = true;
  }
  if (!errors.ok()) return std::nullopt;
  return any;
}

}  // namespace proxenos::admin
