// LuaPart: what the Lua filter keeps on one worker: a Lua state for each script, made when the
// script first runs, and the calls that scripts did not wait for.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "source/filter/http_filter.h"
#include "source/filters/http/lua/settings.h"
#include "source/filters/http/lua/vm.h"
#include "source/rpc/http_call.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::lua {

// Scope: "lua." below HttpScope, with the filter's stat_prefix. One group a worker.
#define PX_LUA_STATS(X) \
  X(Counter, errors)    \
  X(Counter, executions)
PX_STATS(LuaStats, PX_LUA_STATS);

// Owner: the worker's parts of the filter chain. Thread: the worker's.
class LuaPart final : public filter::WorkerPart {
 public:
  // Scripts of routes come and go with the routes.
  static constexpr size_t kMaxStates = 64;
  // Calls under way that nobody waits for.
  static constexpr size_t kMaxCalls = 256;

  // The state of `script`, or null: it cannot be loaded here, which was counted and logged.
  base::Rc<Vm> VmOf(const std::shared_ptr<const Script>& script);

  // Keeps a call that has been started until it is over. REQUIRES: may_call().
  bool may_call() const { return calls_.size() < kMaxCalls; }
  using Place = std::list<std::unique_ptr<rpc::HttpCall>>::iterator;
  Place OpenCall() { return calls_.insert(calls_.end(), nullptr); }
  void CloseCall(Place place) { calls_.erase(place); }

  // Says once that a route names a script that there is not.
  void WarnOfUnknown(const std::string& name);

  stats::Group<LuaStats> stats;

 private:
  struct Entry {
    std::shared_ptr<const Script> script;
    base::Rc<Vm> vm;  // Null: it could not be loaded.
  };

  std::vector<Entry> states_;  // The newest last.
  std::list<std::unique_ptr<rpc::HttpCall>> calls_;
  absl::flat_hash_set<std::string> unknown_;
};

}  // namespace proxenos::filters::lua
