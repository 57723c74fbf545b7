// The index over a list of routes.
#include "source/route/route_tree.h"

namespace proxenos::route {
namespace {

// Lists up to this long are walked: that is faster than any look-up, and takes no memory.
constexpr size_t kWalkedRoutes = 4;

}  // namespace

std::unique_ptr<const PathIndex> BuildPathIndex(absl::Span<const Route> routes) {
  if (routes.size() <= kWalkedRoutes) return nullptr;
  auto index = std::make_unique<PathIndex>();
  for (size_t i = 0; i < routes.size(); ++i) {
    index->Add(routes[i].path, static_cast<uint32_t>(i), routes[i].conditions.empty());
  }
  index->Build();
  return index;
}

}  // namespace proxenos::route
