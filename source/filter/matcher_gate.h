// MatcherGate: the matcher of an ExtensionWithMatcher in front of a filter: its one action is to
// skip that filter.
//
// Owner: the FilterFactory. Thread: any (immutable).
#pragma once

#include <utility>

#include "source/filter/http_filter.h"
#include "source/filter/matcher_tree.h"
#include "source/filter/stream_context.h"

namespace proxenos::filter {

class MatcherGate final : public FilterGate {
 public:
  // The most specific `kind` that a route holds for the filter of that `name` is a MatcherTree to
  // be asked instead.
  MatcherGate(MatcherTree tree, route::FilterName name, const route::OverrideKind* kind)
      : tree_(std::move(tree)), name_(std::move(name)), kind_(kind) {}

  Answer Ask(StreamContext& stream, Direction direction) const override;

 private:
  const MatcherTree tree_;
  const route::FilterName name_;
  const route::OverrideKind* const kind_;
};

}  // namespace proxenos::filter
