// Signatures, Base64 and the time.
#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/filters/http/lua/api.h"
#include "source/filters/http/lua/signature.h"

namespace proxenos::filters::lua {
namespace {

constexpr lua_Integer kMilliseconds = 0;
constexpr lua_Integer kMicroseconds = 1;

// The text at `index`, or as much of its beginning as the number at `index` + 1 says.
absl::string_view CheckSized(lua_State* lua, int index) {
  const absl::string_view text = CheckText(lua, index);
  const lua_Number size = luaL_checknumber(lua, index + 1);
  if (!(size >= 0) || size > static_cast<lua_Number>(text.size())) {
    luaL_error(lua, "a length of more bytes than there are");
  }
  return text.substr(0, static_cast<size_t>(size));
}

int GetKey(lua_State* lua) {
  CheckObject(lua, kKeyType);
  lua_getfenv(lua, 1);
  lua_getfield(lua, -1, "key");
  return 1;
}

constexpr luaL_Reg kKeyMethods[] = {{"get", GetKey}, {nullptr, nullptr}};

// Raises nothing: it has a destructor to run. False: it is no Base64.
bool Decode(absl::string_view text, std::string& out) { return absl::Base64Unescape(text, &out); }

}  // namespace

// The object's environment is a table that holds the key, or nothing when that is none.
int ImportPublicKey(lua_State* lua) {
  CheckObject(lua, kHandleType);
  const absl::string_view der = CheckSized(lua, 2);
  PushObject(lua, kKeyType);
  lua_newtable(lua);
  if (IsPublicKey(der)) {
    PushText(lua, der);
    lua_setfield(lua, -2, "key");
  }
  lua_setfenv(lua, -2);
  return 1;
}

int VerifySignature(lua_State* lua) {
  CheckObject(lua, kHandleType);
  const absl::string_view hash = CheckText(lua, 2);
  const absl::string_view key = CheckText(lua, 3);
  const absl::string_view signature = CheckSized(lua, 4);
  const absl::string_view data = CheckSized(lua, 6);
  if (!IsPublicKey(key)) return luaL_error(lua, "invalid public key");
  const char* why = VerifySignatureOf(hash, key, signature, data);
  lua_pushboolean(lua, why == nullptr ? 1 : 0);
  lua_pushstring(lua, why);
  return 2;
}

int Base64Escape(lua_State* lua) {
  CheckObject(lua, kHandleType);
  std::string& scratch = Vm::Of(lua).scratch();
  absl::Base64Escape(CheckText(lua, 2), &scratch);
  PushText(lua, scratch);
  return 1;
}

int Base64Decode(lua_State* lua) {
  CheckObject(lua, kHandleType);
  std::string& scratch = Vm::Of(lua).scratch();
  if (!Decode(CheckText(lua, 2), scratch)) return PushNil(lua);
  PushText(lua, scratch);
  return 1;
}

int Timestamp(lua_State* lua) {
  const Run& run = CheckRun(lua, kHandleType);
  if (luaL_optinteger(lua, 2, kMilliseconds) != kMilliseconds) {
    return luaL_error(lua, "timestamp format must be MILLISECOND.");
  }
  lua_pushnumber(lua, static_cast<lua_Number>(run.stream().environment.loop.wall_now() / 1000));
  return 1;
}

int TimestampString(lua_State* lua) {
  const Run& run = CheckRun(lua, kHandleType);
  const lua_Integer resolution = luaL_optinteger(lua, 2, kMilliseconds);
  if (resolution != kMilliseconds && resolution != kMicroseconds) {
    return luaL_error(lua, "timestamp format must be MILLISECOND or MICROSECOND.");
  }
  const base::WallTime now = run.stream().environment.loop.wall_now();
  PushText(lua, absl::AlphaNum(resolution == kMilliseconds ? now / 1000 : now).Piece());
  return 1;
}

void OpenKeys(lua_State* lua) {
  DefineType(lua, kKeyType, kKeyMethods, nullptr);
  lua_newtable(lua);
  lua_pushinteger(lua, kMilliseconds);
  lua_setfield(lua, -2, "MILLISECOND");
  lua_pushinteger(lua, kMicroseconds);
  lua_setfield(lua, -2, "MICROSECOND");
  lua_setglobal(lua, "EnvoyTimestampResolution");
}

}  // namespace proxenos::filters::lua
