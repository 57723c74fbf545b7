// Matching within a virtual host.
#include "source/route/route.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/types/span.h"
#include "source/http/path.h"
#include "source/route/further_conditions.h"
#include "source/route/route_tree.h"

namespace proxenos::route {
namespace {

bool IsGrpc(const http::RequestHead& head) {
  constexpr absl::string_view kGrpc = "application/grpc";
  if (head.headers.Count(http::HeaderId::kContentType) != 1) return false;
  const absl::string_view type = head.headers.Get(http::HeaderId::kContentType);
  return absl::StartsWith(type, kGrpc) &&
         (type.size() == kGrpc.size() || type[kGrpc.size()] == '+');
}

// CONNECT proper and CONNECT-UDP; other extended CONNECTs are upgrades.
bool IsConnect(const http::RequestHead& head) {
  return head.method == http::Method::kConnect ||
         absl::EqualsIgnoreCase(head.upgrade, "connect-udp");
}

}  // namespace

bool Conditions::Hold(const MatchInput& input) const {
  if (fraction && !fraction->Holds(input.runtime, input.random)) return false;
  if (grpc && !IsGrpc(input.head)) return false;
  if (!AllMatch(headers, input.head)) return false;
  if (further != nullptr && !further->Hold(input)) return false;
  return std::all_of(query.begin(), query.end(), [&input](const QueryMatcher& matcher) {
    return matcher.Matches(input.head.path);
  });
}

bool RequestMatcher::Matches(const MatchInput& input) const {
  const bool path_matches = path.kind == PathPattern::Kind::kConnect
                                ? IsConnect(input.head)
                                : path.Matches(http::WithoutQuery(input.head.path));
  return path_matches && conditions.Hold(input);
}

namespace {

const Route* FirstOf(absl::Span<const Route> routes, const MatchInput& input,
                     absl::string_view path) {
  const bool connect = IsConnect(input.head);
  for (const Route& route : routes) {
    const bool path_matches = route.path.kind == PathPattern::Kind::kConnect
                                  ? connect
                                  : !path.empty() && route.path.Matches(path);
    if (path_matches && route.conditions.Hold(input)) return &route;
  }
  return nullptr;
}

// `index` may be null.
const Route* FirstOf(absl::Span<const Route> routes, const PathIndex* index,
                     const MatchInput& input, absl::string_view path) {
  if (index == nullptr) return FirstOf(routes, input, path);
  const auto holds = [routes, &input](uint32_t i) { return routes[i].conditions.Hold(input); };
  uint32_t best = PathIndex::kNone;
  if (IsConnect(input.head)) best = index->FindConnect(holds);
  // A CONNECT without a path is for connect_matcher alone.
  if (!path.empty()) best = index->Find(path, holds, best);
  return best == PathIndex::kNone ? nullptr : &routes[best];
}

absl::Span<const Route> RoutesOf(const VirtualHost& host, const RouteTree::Action& action) {
  return absl::MakeConstSpan(host.routes).subspan(action.first, action.count);
}

}  // namespace

const Route* VirtualHost::MatchInOrder(const MatchInput& input, absl::string_view path) const {
  if (tree == nullptr) return FirstOf(routes, input, path);
  const RouteTree::Action* action = tree->Find(input);
  return action == nullptr ? nullptr : FirstOf(RoutesOf(*this, *action), input, path);
}

const Route* VirtualHost::Match(const MatchInput& input, absl::string_view path) const {
  if (tree == nullptr) return FirstOf(routes, index.get(), input, path);
  const RouteTree::Action* action = tree->Find(input);
  return action == nullptr ? nullptr
                           : FirstOf(RoutesOf(*this, *action), action->index.get(), input, path);
}

const VirtualCluster* VirtualHost::FindVirtualCluster(const http::RequestHead& head) const {
  for (const VirtualCluster& cluster : virtual_clusters) {
    if (AllMatch(cluster.headers, head)) return &cluster;
  }
  return nullptr;
}

}  // namespace proxenos::route
