// Opening libraries, and closing what they leave open.
#include "source/filters/http/lua/sandbox.h"

#include <initializer_list>
#include <luajit-2.1/lua.hpp>

#include "source/filters/http/lua/patterns.h"

namespace proxenos::filters::lua {
namespace {

constexpr luaL_Reg kLibraries[] = {
    {"", luaopen_base},
    {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math},
    {LUA_BITLIBNAME, luaopen_bit},
    {LUA_OSLIBNAME, luaopen_os},
};

// Files; the collector's switches, which could be left off; finalizers.
constexpr const char* kGoneGlobals[] = {"dofile", "loadfile", "newproxy", "gcinfo"};
// All but clock, date, difftime, getenv, time.
constexpr const char* kGoneOfOs[] = {"execute", "exit", "remove", "rename", "setlocale", "tmpname"};

// loadstring(text, name), of text alone: bytecode may do to the process what it likes.
int LoadString(lua_State* lua) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  const char* name = luaL_optstring(lua, 2, "=loadstring");
  if (luaL_loadbufferx(lua, text, size, name, "t") == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

// collectgarbage("count") and ("collect").
int CollectGarbage(lua_State* lua) {
  static constexpr const char* kOptions[] = {"collect", "count", nullptr};
  if (luaL_checkoption(lua, 1, "collect", kOptions) == 0) {
    lua_pushinteger(lua, lua_gc(lua, LUA_GCCOLLECT, 0));
    return 1;
  }
  lua_pushnumber(lua, lua_gc(lua, LUA_GCCOUNT, 0) + lua_gc(lua, LUA_GCCOUNTB, 0) / 1024.0);
  return 1;
}

// What Envoy's build of LuaJIT has of Lua 5.2, and Debian's has not.

// pairs(object), by __pairs of its metatable. Upvalue: the pairs there was.
int Pairs(lua_State* lua) {
  luaL_checkany(lua, 1);
  if (luaL_getmetafield(lua, 1, "__pairs") == 0) lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, 1);
  lua_call(lua, 1, 3);
  return 3;
}

int RawLength(lua_State* lua) {
  luaL_argcheck(lua, lua_istable(lua, 1) || lua_isstring(lua, 1), 1, "table or string expected");
  lua_pushinteger(lua, static_cast<lua_Integer>(lua_objlen(lua, 1)));
  return 1;
}

int Pack(lua_State* lua) {
  const int count = lua_gettop(lua);
  lua_createtable(lua, count, 1);
  lua_insert(lua, 1);
  for (int i = count; i > 0; --i) lua_rawseti(lua, 1, i);
  lua_pushinteger(lua, count);
  lua_setfield(lua, 1, "n");
  return 1;
}

void AddOfLua52(lua_State* lua) {
  lua_getglobal(lua, "pairs");
  lua_pushcclosure(lua, Pairs, 1);
  lua_setglobal(lua, "pairs");
  lua_pushcfunction(lua, RawLength);
  lua_setglobal(lua, "rawlen");
  lua_getglobal(lua, LUA_TABLIBNAME);
  lua_pushcfunction(lua, Pack);
  lua_setfield(lua, -2, "pack");
  lua_getglobal(lua, "unpack");
  lua_setfield(lua, -2, "unpack");
  lua_pop(lua, 1);
}

void Remove(lua_State* lua, const char* table, const char* name) {
  lua_getglobal(lua, table);
  lua_pushnil(lua);
  lua_setfield(lua, -2, name);
  lua_pop(lua, 1);
}

}  // namespace

void OpenSandbox(lua_State* lua, uint64_t* pattern_steps) {
  for (const luaL_Reg& library : kLibraries) {
    lua_pushcfunction(lua, library.func);
    lua_pushstring(lua, library.name);
    lua_call(lua, 1, 0);
  }
  for (const char* name : kGoneGlobals) {
    lua_pushnil(lua);
    lua_setglobal(lua, name);
  }
  for (const char* name : kGoneOfOs) Remove(lua, LUA_OSLIBNAME, name);
  Remove(lua, LUA_STRLIBNAME, "dump");
  lua_getglobal(lua, LUA_STRLIBNAME);
  SetPatternFunctions(lua, pattern_steps);
  lua_pop(lua, 1);
  for (const char* name : {"load", "loadstring"}) {
    lua_pushcfunction(lua, LoadString);
    lua_setglobal(lua, name);
  }
  lua_pushcfunction(lua, CollectGarbage);
  lua_setglobal(lua, "collectgarbage");
  AddOfLua52(lua);
}

}  // namespace proxenos::filters::lua
