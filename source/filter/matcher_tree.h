// MatcherTree: a match::MatchTree with what its inputs read of a MatchSubject.
//
// Thread: any (immutable).
#pragma once

#include <utility>
#include <vector>

#include "source/filter/match_subject.h"
#include "source/filter/tree_input.h"
#include "source/match/tree.h"

namespace proxenos::filter {

class MatcherTree {
 public:
  // The tree's inputs are indices into `inputs`.
  MatcherTree(std::vector<TreeInput> inputs, match::MatchTree tree)
      : inputs_(std::move(inputs)), tree_(std::move(tree)) {}

  match::Found Find(const MatchSubject& subject) const {
    return tree_.Find([this, &subject](uint32_t input, match::Reading& reading) {
      inputs_[input].Read(subject, reading);
    });
  }

 private:
  std::vector<TreeInput> inputs_;
  match::MatchTree tree_;
};

}  // namespace proxenos::filter
