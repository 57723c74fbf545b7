// What scripts see of the proxy: the types of objects, and how a call finds its run.
//
// An object is a number of a run and a little more, never a pointer: one that a script keeps beyond
// its run finds another run, or none, and fails. Functions here are called by Lua and may raise
// errors, which leaves them without destructors being run: what has one lives in the Vm or the Run.
#pragma once

#include <cstdint>
#include <luajit-2.1/lua.hpp>

#include "absl/strings/string_view.h"
#include "source/filters/http/lua/run.h"
#include "source/json/value.h"

namespace proxenos::filters::lua {

inline constexpr char kHandleType[] = "proxenos.handle";
inline constexpr char kHeadersType[] = "proxenos.headers";
inline constexpr char kBufferType[] = "proxenos.buffer";
inline constexpr char kMetadataType[] = "proxenos.metadata";
inline constexpr char kDynamicMetadataType[] = "proxenos.dynamicMetadata";
inline constexpr char kStreamInfoType[] = "proxenos.streamInfo";
inline constexpr char kFilterStateType[] = "proxenos.filterState";
inline constexpr char kConnectionType[] = "proxenos.connection";
inline constexpr char kConnectionInfoType[] = "proxenos.connectionStreamInfo";
inline constexpr char kTlsType[] = "proxenos.sslConnection";
inline constexpr char kRouteType[] = "proxenos.route";
inline constexpr char kKeyType[] = "proxenos.publicKey";

struct Object {
  uint64_t run;
  uint32_t kind;    // Which of its type's things it is.
  uint32_t serial;  // Of a piece of a body.
};

// Makes the types known to a new state.
void OpenApi(lua_State* lua);
void OpenHandle(lua_State* lua);
void OpenHeaders(lua_State* lua);
void OpenBuffer(lua_State* lua);
void OpenInfo(lua_State* lua);
void OpenMetadata(lua_State* lua);
void OpenTls(lua_State* lua);
void OpenKeys(lua_State* lua);

// A type with `methods` and log functions. `pairs` may be null.
void DefineType(lua_State* lua, const char* type, const luaL_Reg* methods, lua_CFunction pairs);
// Pushes an object of the current run.
void PushObject(lua_State* lua, const char* type, uint32_t kind = 0, uint32_t serial = 0);
void PushHandle(lua_State* lua, uint64_t run);

// The object at 1, which is to be of `type` and of the current run.
const Object& CheckObject(lua_State* lua, const char* type);
Run& CheckRun(lua_State* lua, const char* type);

inline void PushText(lua_State* lua, absl::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}
// nil: there is no such thing.
inline int PushNil(lua_State* lua) {
  lua_pushnil(lua);
  return 1;
}
inline absl::string_view CheckText(lua_State* lua, int index) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, index, &size);
  return absl::string_view(text, size);
}

// A JSON value as Lua has it.
void PushJson(lua_State* lua, const json::Value& value);
void PushJson(lua_State* lua, const json::Object& object);
// The value at `index` as JSON. Why not, or null; raises nothing, but for the room that it makes on
// the stack first (MakeJsonRoom).
const char* ToJson(lua_State* lua, int index, json::Value& out);
void MakeJsonRoom(lua_State* lua);

// Calls of the handle that have files of their own.
int HttpCall(lua_State* lua);
int Respond(lua_State* lua);
int ImportPublicKey(lua_State* lua);
int VerifySignature(lua_State* lua);
int Base64Escape(lua_State* lua);
int Base64Decode(lua_State* lua);
int Timestamp(lua_State* lua);
int TimestampString(lua_State* lua);
int StreamInfo(lua_State* lua);
int Connection(lua_State* lua);
int ConnectionStreamInfo(lua_State* lua);
int SetUpstreamOverrideHost(lua_State* lua);
int Metadata(lua_State* lua);
int FilterContext(lua_State* lua);
int VirtualHost(lua_State* lua);
int Route(lua_State* lua);

// Pushed by Run: what a script is given where it waited.
int PushCallResult(lua_State* lua, void* run);
int PushWholeBody(lua_State* lua, void* run);

}  // namespace proxenos::filters::lua
