// Vm: one Lua state of one script on one worker, with the limits that keep a script from harming
// the worker: instructions for each time it runs, memory, and a library without a way out.
//
// LuaJIT's interpreter alone runs here: what its compiler makes does not count instructions.
// Nothing of Lua is called unprotected: running out of memory fails the script, not the process.
// Owner: the worker's part of the filter, and runs that are under way. Thread: the worker's (the
// main thread's, while a configuration is checked).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/rc.h"

struct lua_Debug;
struct lua_State;

namespace proxenos::filters::lua {

class Run;

// Of bytecode, each time that a script runs until it ends or waits: a tenth of a second at most.
inline constexpr int kMaxInstructions = 10'000'000;
// Of patterns (pattern.h), likewise.
inline constexpr uint64_t kMaxPatternSteps = 10'000'000;
// Of all that a script keeps and makes, for all streams of a worker.
inline constexpr size_t kMaxStateBytes = 64 * 1024 * 1024;

class Vm final : public base::RefCounted {
 public:
  // Loads `source` and runs its top level. `name` is what errors call it.
  Vm(absl::string_view name, absl::string_view source);
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;
  ~Vm();

  // Why it could not be loaded, with the line; empty: it is.
  const std::string& error() const { return error_; }
  bool on_request() const { return handlers_[0] != kNoRef; }
  bool on_response() const { return handlers_[1] != kNoRef; }

  // A coroutine that is kept until Forget.
  struct Coroutine {
    lua_State* thread = nullptr;  // Null: there is none.
    int reference = kNoRef;
  };
  // Ready to run envoy_on_request (0) or envoy_on_response (1) with a handle of `run`. No thread:
  // there is no memory for it.
  Coroutine Make(int handler, uint64_t run);
  void Forget(Coroutine& coroutine);

  enum class Outcome : uint8_t { kDone, kWaits, kFailed };
  // Goes on with the coroutine of `run`. `push(lua, data)` leaves what the script is given on the
  // stack of `lua` and tells how many that are; it may raise errors, so nothing with a destructor
  // lives in it. Null: nothing. kFailed: failure() says why.
  using Push = int (*)(lua_State* lua, void* data);
  Outcome Resume(Run& run, const Coroutine& coroutine, Push push, void* data);
  const std::string& failure() const { return failure_; }

  // The run that a script's call comes from; null while none does.
  Run* current() const { return current_; }
  // Whether `lua` is the coroutine that the current run resumed, and not one of the script's own.
  bool IsCurrent(const lua_State* lua) const { return lua == thread_; }
  uint64_t NextRunId() { return ++last_run_id_; }
  static Vm& Of(lua_State* lua);

  size_t bytes() const { return bytes_; }
  // For texts on their way to a script: what lives here is not lost when Lua raises an error.
  std::string& scratch() { return scratch_; }

 private:
  static constexpr int kNoRef = -2;  // LUA_NOREF.

  struct Protected;
  static void* Allocate(void* owner, void* block, size_t old_size, size_t new_size);
  static void OnBudgetSpent(lua_State* lua, lua_Debug*);
  void SetBudget();
  // Calls `body` where errors are caught. False: failure_ says which.
  bool Call(int (*body)(lua_State*), void* data);
  void TakeFailure(lua_State* from, int status);

  uint64_t pattern_steps_ = 0;  // That are left.
  size_t bytes_ = 0;            // Before the state, which uses it to its end.
  lua_State* lua_ = nullptr;
  int handlers_[2] = {kNoRef, kNoRef};
  Run* current_ = nullptr;
  const lua_State* thread_ = nullptr;
  uint64_t last_run_id_ = 0;
  std::string error_;
  std::string failure_;
  std::string scratch_;
};

}  // namespace proxenos::filters::lua
