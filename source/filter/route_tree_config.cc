// From a route's question to a matcher's subject.
#include "source/filter/route_tree_config.h"

#include <memory>
#include <utility>

#include "source/filter/cluster_specifier_config.h"
#include "source/filter/matcher_tree_config.h"
#include "source/filter/stream_condition_config.h"

namespace proxenos::filter {

std::optional<route::RouteTree::Choose> CompileRouteTree(
    const xds::type::matcher::v3::Matcher& proto, route::ActionNumbers actions,
    const config::Path& path, config::Errors& errors) {
  auto compiled = CompileMatcherTree(proto, MatchTime::kRequest, actions, path, errors);
  if (!compiled) return std::nullopt;
  return [tree = *std::move(compiled)](const route::MatchInput& input) -> std::optional<uint32_t> {
    static const StreamInfo kNoStream;
    const StreamInfo& info = input.stream == nullptr ? kNoStream : *input.stream;
    const match::Found found = tree.Find(MatchSubject::OfRequest(info, input.head));
    if (found.state != match::Found::State::kAction) return std::nullopt;
    return found.action;
  };
}

route::UpperCompilers RouteCompilers() {
  return {CompileRouteTree, CompileStreamConditions, CompileMatcherSpecifier};
}

}  // namespace proxenos::filter
