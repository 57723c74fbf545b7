// Types and objects.
#include "source/filters/http/lua/api.h"

#include <iterator>

#include "source/base/log.h"

namespace proxenos::filters::lua {
namespace {

using base::LogLevel;

// Of one message of a script.
constexpr size_t kMaxLoggedBytes = 16 * 1024;

int LogText(lua_State* lua, LogLevel level) {
  const absl::string_view text = CheckText(lua, 2).substr(0, kMaxLoggedBytes);
  if (base::Log::Enabled(base::LogComponent::kHttp, level)) {
    base::Log::Write(base::LogComponent::kHttp, level, __FILE__, __LINE__,
                     absl::StrCat("script log: ", text));
  }
  return 0;
}

template <LogLevel kLevel>
int LogAt(lua_State* lua) {
  return LogText(lua, kLevel);
}

constexpr luaL_Reg kLogs[] = {
    {"logTrace", LogAt<LogLevel::kTrace>},
    {"logDebug", LogAt<LogLevel::kDebug>},
    {"logInfo", LogAt<LogLevel::kInfo>},
    {"logWarn", LogAt<LogLevel::kWarn>},
    {"logErr", LogAt<LogLevel::kError>},
    {"logCritical", LogAt<LogLevel::kCritical>},
    {nullptr, nullptr},
};

// print(...): to the log, for a worker has no terminal.
int Print(lua_State* lua) {
  const int count = lua_gettop(lua);
  lua_getglobal(lua, "tostring");
  lua_pushliteral(lua, "");
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, count + 1);
    lua_pushvalue(lua, i);
    lua_call(lua, 1, 1);
    if (i > 1) {
      lua_pushliteral(lua, "\t");
      lua_insert(lua, -2);
    }
    lua_concat(lua, i > 1 ? 3 : 2);
  }
  lua_insert(lua, 2);
  return LogText(lua, LogLevel::kInfo);
}

}  // namespace

void DefineType(lua_State* lua, const char* type, const luaL_Reg* methods, lua_CFunction pairs) {
  luaL_newmetatable(lua, type);
  lua_newtable(lua);
  luaL_setfuncs(lua, methods, 0);
  luaL_setfuncs(lua, kLogs, 0);
  lua_setfield(lua, -2, "__index");
  // A script that had it could give one type's methods another's objects.
  lua_pushliteral(lua, "locked");
  lua_setfield(lua, -2, "__metatable");
  if (pairs != nullptr) {
    lua_pushcfunction(lua, pairs);
    lua_setfield(lua, -2, "__pairs");
  }
  lua_pop(lua, 1);
}

void PushObject(lua_State* lua, const char* type, uint32_t kind, uint32_t serial) {
  const uint64_t run = Vm::Of(lua).current()->id();
  *static_cast<Object*>(lua_newuserdata(lua, sizeof(Object))) = Object{run, kind, serial};
  luaL_getmetatable(lua, type);
  lua_setmetatable(lua, -2);
}

void PushHandle(lua_State* lua, uint64_t run) {
  *static_cast<Object*>(lua_newuserdata(lua, sizeof(Object))) = Object{run, 0, 0};
  luaL_getmetatable(lua, kHandleType);
  lua_setmetatable(lua, -2);
}

const Object& CheckObject(lua_State* lua, const char* type) {
  const auto& object = *static_cast<const Object*>(luaL_checkudata(lua, 1, type));
  const Run* run = Vm::Of(lua).current();
  if (run == nullptr || run->id() != object.run) {
    luaL_error(lua, "object used outside of proper scope");
  }
  return object;
}

Run& CheckRun(lua_State* lua, const char* type) {
  CheckObject(lua, type);
  return *Vm::Of(lua).current();
}

void OpenApi(lua_State* lua) {
  OpenHandle(lua);
  OpenHeaders(lua);
  OpenBuffer(lua);
  OpenInfo(lua);
  OpenMetadata(lua);
  OpenTls(lua);
  OpenKeys(lua);
  lua_pushcfunction(lua, Print);
  lua_setglobal(lua, "print");
}

}  // namespace proxenos::filters::lua
