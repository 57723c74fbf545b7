// Loading, running, and the two limits.
#include "source/filters/http/lua/vm.h"

#include <algorithm>
#include <cstdlib>
#include <luajit-2.1/lua.hpp>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/filters/http/lua/api.h"
#include "source/filters/http/lua/sandbox.h"

namespace proxenos::filters::lua {
namespace {

// More of an error helps nobody.
constexpr size_t kMaxFailureBytes = 1024;

struct Source {
  absl::string_view text;
  const char* name;
  uint64_t* pattern_steps;
};

int LoadScript(lua_State* lua) {
  const auto& source = *static_cast<const Source*>(lua_touserdata(lua, 1));
  OpenSandbox(lua, source.pattern_steps);
  OpenApi(lua);
  if (luaL_loadbufferx(lua, source.text.data(), source.text.size(), source.name, "t") != 0) {
    return lua_error(lua);
  }
  lua_call(lua, 0, 0);
  return 0;
}

int FindHandlers(lua_State* lua) {
  int* handlers = static_cast<int*>(lua_touserdata(lua, 1));
  static constexpr const char* kNames[] = {"envoy_on_request", "envoy_on_response"};
  for (int i = 0; i < 2; ++i) {
    lua_getglobal(lua, kNames[i]);
    if (lua_isfunction(lua, -1)) handlers[i] = luaL_ref(lua, LUA_REGISTRYINDEX);
  }
  return 0;
}

struct Making {
  int handler;
  uint64_t run;
  Vm::Coroutine made;
};

int MakeCoroutine(lua_State* lua) {
  Making& making = *static_cast<Making*>(lua_touserdata(lua, 1));
  lua_State* thread = lua_newthread(lua);
  const int reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, making.handler);
  PushHandle(lua, making.run);
  lua_xmove(lua, thread, 2);
  making.made = {thread, reference};
  return 0;
}

struct Pushing {
  lua_State* to;
  Vm::Push push;
  void* data;
  int count;
};

int PushArguments(lua_State* lua) {
  Pushing& pushing = *static_cast<Pushing*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  pushing.count = pushing.push(lua, pushing.data);
  lua_xmove(lua, pushing.to, pushing.count);
  return 0;
}

int CollectAll(lua_State* lua) {
  lua_gc(lua, LUA_GCCOLLECT, 0);
  return 0;
}

int DropReference(lua_State* lua) {
  luaL_unref(lua, LUA_REGISTRYINDEX, *static_cast<const int*>(lua_touserdata(lua, 1)));
  return 0;
}

int OnPanic(lua_State*) {
  CHECK(false);  // Something was called unprotected.
  return 0;
}

}  // namespace

Vm::Vm(absl::string_view name, absl::string_view source) {
  lua_ = lua_newstate(&Vm::Allocate, this);
  if (lua_ == nullptr) {
    error_ = "there is no memory for a Lua state";
    return;
  }
  lua_atpanic(lua_, OnPanic);
  luaJIT_setmode(lua_, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  SetBudget();
  const std::string chunk = absl::StrCat("=", name);
  Source script{source, chunk.c_str(), &pattern_steps_};
  if (!Call(LoadScript, &script) || !Call(FindHandlers, handlers_)) error_ = failure_;
}

Vm::~Vm() {
  if (lua_ == nullptr) return;
  lua_sethook(lua_, nullptr, 0, 0);
  lua_close(lua_);
}

void* Vm::Allocate(void* owner, void* block, size_t old_size, size_t new_size) {
  Vm& vm = *static_cast<Vm*>(owner);
  if (new_size == 0) {
    std::free(block);
    vm.bytes_ -= old_size;
    return nullptr;
  }
  // What shrinks never fails (Lua's own rule).
  if (new_size > old_size && vm.bytes_ - old_size + new_size > kMaxStateBytes) return nullptr;
  void* moved = std::realloc(block, new_size);
  if (moved != nullptr) vm.bytes_ = vm.bytes_ - old_size + new_size;
  return moved;
}

Vm& Vm::Of(lua_State* lua) {
  void* owner = nullptr;
  lua_getallocf(lua, &owner);
  return *static_cast<Vm*>(owner);
}

void Vm::SetBudget() {
  pattern_steps_ = kMaxPatternSteps;
  lua_sethook(lua_, &Vm::OnBudgetSpent, LUA_MASKCOUNT, kMaxInstructions);
}

// From now on each instruction fails, or a script could go on by catching the error.
void Vm::OnBudgetSpent(lua_State* lua, lua_Debug*) {
  lua_sethook(lua, &Vm::OnBudgetSpent, LUA_MASKCOUNT, 1);
  luaL_error(lua, "the script ran for more than %d instructions", kMaxInstructions);
}

bool Vm::Call(int (*body)(lua_State*), void* data) {
  const int status = lua_cpcall(lua_, body, data);
  if (status == 0) return true;
  TakeFailure(lua_, status);
  lua_settop(lua_, 0);
  return false;
}

void Vm::TakeFailure(lua_State* from, int status) {
  size_t size = 0;
  // Only of a text: to turn anything else into one takes memory.
  const char* text = lua_type(from, -1) == LUA_TSTRING ? lua_tolstring(from, -1, &size) : nullptr;
  failure_ = text == nullptr ? "unspecified lua error"
                             : std::string(text, std::min(size, kMaxFailureBytes));
  if (status == LUA_ERRMEM) {
    failure_ = absl::StrCat("not enough memory: a script has ", kMaxStateBytes, " bytes");
    // Even that may want memory.
    if (lua_cpcall(lua_, CollectAll, nullptr) != 0) lua_settop(lua_, 0);
  }
}

Vm::Coroutine Vm::Make(int handler, uint64_t run) {
  Making making{handlers_[handler], run, {}};
  if (!Call(MakeCoroutine, &making)) return {};
  return making.made;
}

void Vm::Forget(Coroutine& coroutine) {
  if (coroutine.thread != nullptr && lua_cpcall(lua_, DropReference, &coroutine.reference) != 0) {
    lua_settop(lua_, 0);  // It stays until the state goes.
  }
  coroutine = {};
}

Vm::Outcome Vm::Resume(Run& run, const Coroutine& coroutine, Push push, void* data) {
  DCHECK(current_ == nullptr);
  SetBudget();
  // At its start the function and its handle wait on the stack.
  int count = lua_status(coroutine.thread) == LUA_YIELD ? 0 : 1;
  current_ = &run;
  if (push != nullptr) {
    Pushing pushing{coroutine.thread, push, data, 0};
    if (!Call(PushArguments, &pushing)) {
      current_ = nullptr;
      return Outcome::kFailed;
    }
    count = pushing.count;
  }
  thread_ = coroutine.thread;
  const int status = lua_resume(coroutine.thread, count);
  thread_ = nullptr;
  current_ = nullptr;
  if (status == LUA_YIELD) return Outcome::kWaits;
  if (status == 0) return Outcome::kDone;
  TakeFailure(coroutine.thread, status);
  return Outcome::kFailed;
}

}  // namespace proxenos::filters::lua
