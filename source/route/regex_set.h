// RegexSet: many regexes matched against one text at once, by one automaton.
//
// The automaton is a short cut, never the authority: where it cannot be built, or gives up for want
// of memory, the patterns are tried one by one. Thread: any, after Build.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/match/regex.h"

namespace proxenos::route {

class RegexSet {
 public:
  RegexSet();
  RegexSet(RegexSet&&) noexcept;
  RegexSet& operator=(RegexSet&&) noexcept;
  ~RegexSet();

  void Add(match::Regex regex);
  // After the last Add. `max_memory` bounds the automaton's states, 0 takes the default.
  void Build(int64_t max_memory = 0);

  size_t size() const { return regexes_.size(); }
  // False: the patterns are tried one by one.
  bool has_automaton() const { return automaton_ != nullptr; }

  // Calls visit(i) for each regex below `end` that matches the whole text, in ascending order,
  // until one returns true.
  template <typename Visit>
  void ForEachMatch(absl::string_view text, uint32_t end, Visit visit) const {
    const std::vector<int>* matches = nullptr;
    if (MatchAll(text, &matches)) {
      for (const int i : *matches) {
        if (static_cast<uint32_t>(i) >= end || visit(static_cast<uint32_t>(i))) return;
      }
      return;
    }
    for (uint32_t i = 0; i < end; ++i) {
      if (regexes_[i].FullMatch(text) && visit(i)) return;
    }
  }

 private:
  struct Automaton;

  // Sorted matches, valid until this thread's next call. False: there is no automaton, or it gave
  // up.
  bool MatchAll(absl::string_view text, const std::vector<int>** matches) const;

  std::vector<match::Regex> regexes_;
  std::unique_ptr<const Automaton> automaton_;
};

}  // namespace proxenos::route
