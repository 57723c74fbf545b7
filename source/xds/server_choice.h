// ServerChoice: which of several control-plane servers a stream goes to. The first is the primary;
// after two attempts in a row to which it said nothing the others have their turn, one attempt
// each, then the primary again. A stream that was answered keeps its server while it lasts; what
// follows it begins with the primary.
#pragma once

#include <cstddef>

namespace proxenos::xds {

class ServerChoice {
 public:
  // REQUIRES: count > 0.
  explicit ServerChoice(size_t count) : count_(count) {}

  size_t current() const { return current_; }
  // The stream to current() is over; `answered`: it brought at least one response.
  void OnLost(bool answered) {
    if (answered) {
      current_ = 0;
      silent_ = 0;
      return;
    }
    ++silent_;
    if (silent_ >= kPatience) current_ = (current_ + 1) % count_;
  }

 private:
  static constexpr int kPatience = 2;  // As in Envoy.

  const size_t count_;
  size_t current_ = 0;
  int silent_ = 0;  // Attempts in a row without a response.
};

}  // namespace proxenos::xds
