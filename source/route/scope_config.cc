// From protos to scopes.
#include "source/route/scope_config.h"

#include <string>
#include <utility>
#include <vector>

namespace proxenos::route {
namespace {

using Builder =
    envoy::extensions::filters::network::http_connection_manager::v3::ScopedRoutes::ScopeKeyBuilder;
using Extractor = Builder::FragmentBuilder::HeaderValueExtractor;

ScopeKeyBuilder::Fragment CompileFragment(const Extractor& proto, config::Errors& errors,
                                          const config::Path& path) {
  ScopeKeyBuilder::Fragment fragment;
  fragment.header = FieldName(proto.name());
  fragment.element_separator = proto.element_separator();
  switch (proto.extract_type_case()) {
    case Extractor::kIndex:
      fragment.index = proto.index();
      if (fragment.index > 0 && fragment.element_separator.empty()) {
        errors.Add(path.Field("index"), "without element_separator there is only element 0");
      }
      break;
    case Extractor::kElement:
      fragment.pair = {proto.element().separator(), proto.element().key()};
      break;
    case Extractor::EXTRACT_TYPE_NOT_SET:
      errors.Add(path, "expected one of index, element");
      break;
  }
  return fragment;
}

}  // namespace

ScopeKeyBuilder CompileScopeKeyBuilder(const Builder& proto, config::Errors& errors,
                                       const config::Path& path) {
  std::vector<ScopeKeyBuilder::Fragment> fragments;
  for (int i = 0; i < proto.fragments_size(); ++i) {
    const config::Path at = path.Field("fragments").Index(static_cast<size_t>(i));
    if (!proto.fragments(i).has_header_value_extractor()) {
      errors.Add(at, "expected header_value_extractor");
      continue;
    }
    fragments.push_back(CompileFragment(proto.fragments(i).header_value_extractor(), errors,
                                        at.Field("header_value_extractor")));
  }
  return ScopeKeyBuilder(std::move(fragments));
}

std::optional<Scope> CompileScope(const envoy::config::route::v3::ScopedRouteConfiguration& proto,
                                  config::Errors& errors, const config::Path& path) {
  if (proto.route_configuration_name().empty() != proto.has_route_configuration()) {
    errors.Add(path, "expected exactly one of route_configuration_name and route_configuration");
    return std::nullopt;
  }
  std::vector<std::string> fragments;
  for (const auto& fragment : proto.key().fragments()) fragments.push_back(fragment.string_key());
  return Scope{proto.name(), ScopeKeyBuilder::Join(fragments), proto.route_configuration_name()};
}

}  // namespace proxenos::route
