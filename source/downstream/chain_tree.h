// ChainTree: Listener.filter_chain_matcher: which filter chain a connection gets, by a matcher over
// what the socket and the listener filters tell of it. Takes the place of ChainMatch.
//
// Thread: any (immutable).
#pragma once

#include <utility>
#include <vector>

#include "source/filter/listener_filter.h"
#include "source/match/network_input.h"
#include "source/match/tree.h"

namespace proxenos::downstream {

class ChainTree {
 public:
  using Input = match::NetworkInput;

  // `tree` knows inputs by their places in `inputs`, and chains by theirs in the ListenerConfig.
  // `otherwise`: the chain of connections for which it decides nothing; -1: none.
  ChainTree(std::vector<Input> inputs, match::MatchTree tree, int otherwise)
      : inputs_(std::move(inputs)), tree_(std::move(tree)), otherwise_(otherwise) {}

  // Which chain, or -1.
  int Find(const filter::ConnectionFacts& facts) const;

 private:
  const std::vector<Input> inputs_;
  const match::MatchTree tree_;
  const int otherwise_;
};

}  // namespace proxenos::downstream
