// CompositeGate: the matcher of a composite filter in front of one of the filters that it chooses
// among: that filter runs where the matcher leads to its action.
//
// Owner: the FilterFactory. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/matcher_tree.h"
#include "source/filter/stream_context.h"
#include "source/runtime/setting.h"

namespace proxenos::filter {

// What all filters of one composite share. Its actions are those of the tree by their numbers.
struct CompositeChoice {
  MatcherTree tree;
  std::vector<runtime::FractionSetting> shares;  // ExecuteFilterAction.sample_percent, by action.
  route::FilterName name;
  const route::OverrideKind* override_kind;  // Of a matcher that a route has in its place.
};

class CompositeGate final : public FilterGate {
 public:
  CompositeGate(std::shared_ptr<const CompositeChoice> choice, uint32_t action)
      : choice_(std::move(choice)), action_(action) {}

  Answer Ask(StreamContext& stream, Direction direction) const override;

 private:
  const std::shared_ptr<const CompositeChoice> choice_;
  const uint32_t action_;
};

}  // namespace proxenos::filter
