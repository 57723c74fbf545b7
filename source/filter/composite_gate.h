// CompositeGate: the matcher of a composite filter in front of one of the filters that it chooses
// among: that filter runs where the matcher leads to its action.
//
// Owner: the FilterFactory. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/filter/http_filter.h"
#include "source/filter/matcher_tree.h"
#include "source/filter/stream_context.h"
#include "source/runtime/setting.h"

namespace proxenos::filter {

// What an action of a composite's own matcher does.
struct CompositeAction {
  static constexpr uint32_t kSkips = UINT32_MAX;
  static constexpr uint32_t kRefuses = UINT32_MAX - 1;
  uint32_t chain = kSkips;           // The number of what runs.
  runtime::FractionSetting share{};  // ExecuteFilterAction.sample_percent
};

// CompositePerRoute: a route's matcher, which knows a composite's chains by their names.
struct CompositeRoute {
  struct Action {
    std::string chain;  // Empty: to skip.
    runtime::FractionSetting share{};
  };
  MatcherTree tree;
  std::vector<Action> actions;
};

// What all filters of one composite share.
struct CompositeChoice {
  std::optional<MatcherTree> tree;                    // Nothing: routes alone choose.
  std::vector<CompositeAction> actions;               // By the numbers of the tree.
  absl::flat_hash_map<std::string, uint32_t> chains;  // named_filter_chains
  route::FilterName name;
  // Of what a route has in its place: a matcher whose one action is to skip, a CompositeRoute.
  const route::OverrideKind* skip_kind;
  const route::OverrideKind* route_kind;
};

class CompositeGate final : public FilterGate {
 public:
  // In front of a filter of that chain.
  CompositeGate(std::shared_ptr<const CompositeChoice> choice, uint32_t chain)
      : choice_(std::move(choice)), chain_(chain) {}

  Answer Ask(StreamContext& stream, Direction direction) const override;
  // The first filter of the composite that the request comes to decides for all of them: a filter
  // may change what the matcher goes by, and those behind it are no less chosen for that.
  Answer Decide(StreamContext& stream, Direction direction) const override;

 private:
  // The number of the chain that runs, or kSkips or kRefuses.
  uint32_t Chosen(const StreamContext& stream) const;
  uint32_t ChosenByRoute(const StreamContext& stream, const CompositeRoute& route) const;
  Answer Of(uint32_t chosen) const;

  const std::shared_ptr<const CompositeChoice> choice_;
  const uint32_t chain_;
};

}  // namespace proxenos::filter
