// The handle: what envoy_on_request and envoy_on_response are called with.
#include "source/filters/http/lua/api.h"

namespace proxenos::filters::lua {
namespace {

// Only the script's own coroutine may wait: the proxy knows no other.
void CheckMayWait(lua_State* lua) {
  if (!Vm::Of(lua).IsCurrent(lua)) {
    luaL_error(lua, "the proxy cannot be waited for in a coroutine of the script's own");
  }
}

int Headers(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kHeadersType, 0);
  return 1;
}

int RequestHeaders(lua_State* lua) {
  const Run& run = CheckRun(lua, kHandleType);
  PushObject(lua, kHeadersType, run.is_request() ? 0 : 1);
  return 1;
}

// nil, or an object, for a body that is whole.
int PushBody(lua_State* lua, const Run& run, bool wraps_nothing) {
  if (run.in().body.empty() && !wraps_nothing) {
    lua_pushnil(lua);
  } else {
    PushObject(lua, kBufferType, 0);
  }
  return 1;
}

int Body(lua_State* lua) {
  Run& run = CheckRun(lua, kHandleType);
  bool wraps_nothing = false;
  if (lua_gettop(lua) >= 2) {
    luaL_checktype(lua, 2, LUA_TBOOLEAN);
    wraps_nothing = lua_toboolean(lua, 2) != 0;
  }
  if (!run.holds_head()) {
    return luaL_error(lua, run.complete() ? "cannot call body() after body has been streamed"
                                          : "cannot call body() after body streaming has started");
  }
  if (run.framing().kind == http::Framing::kTunnel) {
    return luaL_error(lua, "cannot call body() of a tunnel, which has no end");
  }
  if (run.has_whole_body()) return PushBody(lua, run, wraps_nothing);
  CheckMayWait(lua);
  run.WaitForBody(wraps_nothing);
  return lua_yield(lua, 0);
}

int NextPiece(lua_State* lua) {
  // The handle stands in for the first argument, which the loop passes as nil.
  lua_settop(lua, 0);
  lua_pushvalue(lua, lua_upvalueindex(1));
  Run& run = CheckRun(lua, kHandleType);
  if (run.complete() && (run.saw_body() || run.in().body.empty())) return 0;
  CheckMayWait(lua);
  run.WaitFor(Run::Wait::kPiece);
  return lua_yield(lua, 0);
}

int BodyChunks(lua_State* lua) {
  const Run& run = CheckRun(lua, kHandleType);
  if (run.saw_body()) {
    return luaL_error(lua, "cannot call bodyChunks after body processing has begun");
  }
  lua_settop(lua, 1);
  lua_pushcclosure(lua, NextPiece, 1);
  return 1;
}

int Trailers(lua_State* lua) {
  Run& run = CheckRun(lua, kHandleType);
  if (run.trailers() != nullptr) {
    PushObject(lua, kHeadersType, 2);
    return 1;
  }
  if (run.complete()) return PushNil(lua);
  CheckMayWait(lua);
  run.WaitFor(Run::Wait::kTrailers);
  return lua_yield(lua, 0);
}

int ClearRouteCache(lua_State* lua) {
  const Run& run = CheckRun(lua, kHandleType);
  if (run.is_request() && run.holds_head()) run.stream().Reroute();
  return 0;
}

// What there is in Envoy and not here says so, rather than that it is no function.
int Stats(lua_State* lua) {
  return luaL_error(lua, "stats() is not implemented by proxenos: scripts define no stats");
}

constexpr luaL_Reg kMethods[] = {
    {"headers", Headers},
    {"requestHeaders", RequestHeaders},
    {"body", Body},
    {"bodyChunks", BodyChunks},
    {"trailers", Trailers},
    {"clearRouteCache", ClearRouteCache},
    {"stats", Stats},
    {"httpCall", HttpCall},
    {"respond", Respond},
    {"metadata", Metadata},
    {"filterContext", FilterContext},
    {"virtualHost", VirtualHost},
    {"route", Route},
    {"streamInfo", StreamInfo},
    {"connection", Connection},
    {"connectionStreamInfo", ConnectionStreamInfo},
    {"setUpstreamOverrideHost", SetUpstreamOverrideHost},
    {"importPublicKey", ImportPublicKey},
    {"verifySignature", VerifySignature},
    {"base64Escape", Base64Escape},
    {"base64Decode", Base64Decode},
    {"timestamp", Timestamp},
    {"timestampString", TimestampString},
    {nullptr, nullptr},
};

}  // namespace

int PushWholeBody(lua_State* lua, void* run) {
  const Run& of = *static_cast<const Run*>(run);
  return PushBody(lua, of, of.wraps_nothing());
}

void OpenHandle(lua_State* lua) { DefineType(lua, kHandleType, kMethods, nullptr); }

}  // namespace proxenos::filters::lua
