// RouteTree: VirtualHost.matcher: a matcher whose actions are single routes or lists of them, in
// which the first that matches is taken.
//
// What the matcher looks at is known to a higher layer, which gives it as a function. Owner: the
// VirtualHost. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"
#include "source/route/path_index.h"
#include "source/route/route.h"

namespace proxenos::route {

// Null: the list is short enough to be walked.
std::unique_ptr<const PathIndex> BuildPathIndex(absl::Span<const Route> routes);

class RouteTree {
 public:
  // The number of the action that the matcher chooses for a request, if any.
  using Choose = absl::AnyInvocable<std::optional<uint32_t>(const MatchInput&) const>;
  // A run of the virtual host's routes.
  struct Action {
    uint32_t first = 0;
    uint32_t count = 0;
    std::unique_ptr<const PathIndex> index{};  // Of these alone. May be null.
  };

  RouteTree(Choose choose, std::vector<Action> actions)
      : choose_(std::move(choose)), actions_(std::move(actions)) {}

  // Null: there is no route for the request.
  const Action* Find(const MatchInput& input) const {
    const std::optional<uint32_t> action = choose_(input);
    return action ? &actions_[*action] : nullptr;
  }

 private:
  Choose choose_;
  std::vector<Action> actions_;
};

}  // namespace proxenos::route
