// Questions: the worker's seam of discovery on demand as a list of what was asked for, which the
// test answers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "source/filter/on_demand.h"

namespace proxenos::filters {

// Owner: the test. Outlives the streams that ask.
class Questions final : public filter::OnDemand {
 public:
  bool AskHost(absl::string_view routes, absl::string_view authority, Waiter& waiter) override {
    return Ask(absl::StrCat("host ", routes, " ", authority), waiter);
  }
  bool AskCluster(const std::string&, absl::string_view name, Waiter& waiter) override {
    return Ask(absl::StrCat("cluster ", name), waiter);
  }
  void Answer(Outcome outcome) { waiters_.Tell(outcome); }

  std::vector<std::string> asked;
  uint32_t waiting = 0;
  bool full = false;

 private:
  bool Ask(std::string what, Waiter& waiter) {
    if (full) return false;
    asked.push_back(std::move(what));
    waiters_.Add(waiter, waiting);
    return true;
  }
  WaiterList waiters_;
};

}  // namespace proxenos::filters
