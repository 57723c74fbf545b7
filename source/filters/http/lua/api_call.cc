// httpCall() and respond(): a script's own requests, and its own answers.
#include <array>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/filter/header_change.h"
#include "source/filters/http/lua/api.h"
#include "source/http/header_id.h"

namespace proxenos::filters::lua {
namespace {

using filter::HeaderChange;

// A call without a time limit would hold its request for ever.
constexpr base::Nanos kLongestCall = 60 * base::kSecond;
constexpr size_t kMaxBodyToSend = 16 * 1024 * 1024;

// Checks that the table at `index` has texts (or numbers) by texts, or lists of those. Behind it
// nothing of EachField raises an error.
void CheckFieldTable(lua_State* lua, int index) {
  luaL_checktype(lua, index, LUA_TTABLE);
  luaL_checkstack(lua, 8, "no room for headers");
  const auto check_value = [lua](const char* what) {
    const int type = lua_type(lua, -1);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) return;
    luaL_error(lua, "%s expected to be a string, got %s", what, lua_typename(lua, type));
  };
  lua_pushnil(lua);
  while (lua_next(lua, index) != 0) {
    if (lua_type(lua, -2) != LUA_TSTRING) luaL_error(lua, "header names must be strings");
    if (lua_istable(lua, -1)) {
      lua_pushnil(lua);
      while (lua_next(lua, -2) != 0) {
        check_value("header value");
        lua_pop(lua, 1);
      }
    } else {
      check_value("header value");
    }
    lua_pop(lua, 1);
  }
}

// The text or number on top of the stack; `digits` holds what is made of a number.
absl::string_view TopText(lua_State* lua, std::array<char, 32>& digits) {
  if (lua_type(lua, -1) == LUA_TNUMBER) {
    const int size = std::snprintf(digits.data(), digits.size(), "%.14g", lua_tonumber(lua, -1));
    return absl::string_view(digits.data(), static_cast<size_t>(size));
  }
  size_t size = 0;
  const char* text = lua_tolstring(lua, -1, &size);
  return absl::string_view(text, size);
}

// Calls field(lower-case name, value) for each; false as soon as that does. Leaves the stack alone.
template <typename Field>
bool EachField(lua_State* lua, int index, Field field) {
  const int top = lua_gettop(lua);
  std::array<char, 32> digits;
  bool goes_on = true;
  lua_pushnil(lua);
  while (goes_on && lua_next(lua, index) != 0) {
    size_t size = 0;
    const char* text = lua_tolstring(lua, -2, &size);
    const std::string name = absl::AsciiStrToLower(absl::string_view(text, size));
    if (lua_istable(lua, -1)) {
      lua_pushnil(lua);
      while (goes_on && lua_next(lua, -2) != 0) {
        goes_on = field(name, TopText(lua, digits));
        lua_pop(lua, 1);
      }
      if (!goes_on) break;
    } else {
      goes_on = field(name, TopText(lua, digits));
    }
    lua_pop(lua, 1);
  }
  lua_settop(lua, top);
  return goes_on;
}

struct CallOptions {
  base::Nanos timeout = 0;
  bool asynchronous = false;
  bool all_values = false;
};

base::Nanos CheckTimeout(lua_State* lua, int index) {
  const lua_Number milliseconds = luaL_checknumber(lua, index);
  if (!(milliseconds >= 0)) luaL_error(lua, "http call timeout must be >= 0");
  const lua_Number longest = static_cast<lua_Number>(kLongestCall / base::kMillisecond);
  if (milliseconds < 1 || milliseconds > longest) return kLongestCall;
  return static_cast<base::Nanos>(milliseconds) * base::kMillisecond;
}

bool CheckFlag(lua_State* lua, int index, const char* name) {
  if (!lua_isboolean(lua, index)) luaL_error(lua, "\"%s\" must be a boolean", name);
  return lua_toboolean(lua, index) != 0;
}

void CheckOption(lua_State* lua, CallOptions& options) {
  const absl::string_view name = lua_type(lua, -2) == LUA_TSTRING ? CheckText(lua, -2) : "";
  if (name == "timeout_ms") {
    options.timeout = CheckTimeout(lua, lua_gettop(lua));
  } else if (name == "asynchronous") {
    options.asynchronous = CheckFlag(lua, -1, "asynchronous");
  } else if (name == "return_duplicate_headers") {
    options.all_values = CheckFlag(lua, -1, "return_duplicate_headers");
  } else if (name == "trace_sampled") {
    CheckFlag(lua, -1, "trace_sampled");  // Calls of filters have no spans.
  } else if (name == "send_xff") {
    CheckFlag(lua, -1, "send_xff");  // None is ever sent.
  } else {
    luaL_error(lua, "\"%s\" is not valid key for httpCall() options",
               lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?");
  }
}

// (timeout, asynchronous) or one table, from 5 on.
CallOptions CheckOptions(lua_State* lua) {
  CallOptions options;
  options.timeout = kLongestCall;
  if (lua_istable(lua, 5)) {
    lua_pushnil(lua);
    while (lua_next(lua, 5) != 0) {
      CheckOption(lua, options);
      lua_pop(lua, 1);
    }
    return options;
  }
  options.timeout = CheckTimeout(lua, 5);
  if (lua_isnone(lua, 6)) return options;
  if (!lua_isboolean(lua, 6)) {
    luaL_error(lua, "http call asynchronous flag must be 'true', 'false', or empty");
  }
  options.asynchronous = lua_toboolean(lua, 6) != 0;
  return options;
}

// Fills `head` from the table at 3. Why not, or null.
const char* FillCall(lua_State* lua, http::RequestHead& head) {
  static constexpr char kMissing[] =
      "http call headers must include ':path', ':method', and ':authority'";
  head.method_text = head.path = head.authority = absl::string_view();
  buffer::Arena& arena = head.headers.arena();
  const bool valid =
      EachField(lua, 3, [&head, &arena](const std::string& name, absl::string_view value) {
        const HeaderChange change{HeaderChange::How::kAdd, name, std::string(value)};
        if (!filter::IsValid(change) || name.empty()) return false;
        if (name == ":path") {
          head.path = value.empty() || value[0] == '/' ? arena.Copy(value) : "";
        } else if (name == ":method") {
          head.method_text = arena.Copy(value);
        } else if (name == ":authority" || name == "host") {
          head.authority = arena.Copy(value);
        } else if (name[0] != ':') {
          filter::Apply(change, head.headers);
        }
        return true;
      });
  if (!valid) return "http call headers hold what would break the request";
  if (head.path.empty() || head.method_text.empty() || head.authority.empty()) return kMissing;
  if (!filter::IsValidName(absl::AsciiStrToLower(head.method_text)) ||
      http::ParseMethod(head.method_text) == http::Method::kConnect) {
    return "http call with a ':method' that cannot be";
  }
  for (char c : absl::StrCat(head.path, head.authority)) {
    if (c <= ' ' || c == 0x7f) return "http call headers hold what would break the request";
  }
  return nullptr;
}

// Makes, fills and starts the call. Why not, or null. Raises nothing.
const char* StartCall(lua_State* lua, Run& run, const CallOptions& options) {
  const char* why = nullptr;
  size_t size = 0;
  const char* name = lua_tolstring(lua, 2, &size);
  buffer::Arena arena;
  http::RequestHead head(arena);
  // Whether it exists is told first, as in Envoy; whether it is well made, before it is kept.
  if (!run.stream().environment.clusters.Find(std::string(name, size))) {
    return "http call cluster invalid. Must be configured";
  }
  if ((why = FillCall(lua, head)) != nullptr) return why;
  rpc::HttpCall* call =
      run.OpenCall(absl::string_view(name, size), options.timeout, !options.asynchronous, why);
  if (call == nullptr) return why;
  FillCall(lua, call->request());
  buffer::Buffer body;
  if (lua_isstring(lua, 4) != 0) {
    const char* bytes = lua_tolstring(lua, 4, &size);
    body.Append(absl::string_view(bytes, size));
  }
  call->Start(std::move(body));
  return nullptr;
}

// A field of an answer into the table on top: the last value, or all of them.
void PutField(lua_State* lua, absl::string_view name, absl::string_view value, bool all) {
  PushText(lua, name);
  if (all) {
    lua_pushvalue(lua, -1);
    lua_rawget(lua, -3);
    if (lua_isstring(lua, -1) != 0) {  // The second value: a table takes the first one's place.
      lua_createtable(lua, 2, 0);
      lua_insert(lua, -2);
      lua_rawseti(lua, -2, 1);
    }
    if (lua_istable(lua, -1)) {
      PushText(lua, value);
      lua_rawseti(lua, -2, static_cast<int>(lua_objlen(lua, -2)) + 1);
      lua_rawset(lua, -3);
      return;
    }
    lua_pop(lua, 1);
  }
  PushText(lua, value);
  lua_rawset(lua, -3);
}

int PushFailure(lua_State* lua, const char* status, const char* body) {
  lua_newtable(lua);
  lua_pushstring(lua, status);
  lua_setfield(lua, -2, ":status");
  lua_pushstring(lua, body);
  return 2;
}

void FillResponse(lua_State* lua, http::ResponseHead& head) {
  // What answers a gRPC call is gRPC's, and what has no body has no type.
  const bool typed = head.framing.kind == http::Framing::kLength;
  EachField(lua, 2, [&head, typed](const std::string& name, absl::string_view value) {
    if (name.empty() || name[0] == ':') return true;
    if (name == "content-type") {
      if (!typed) return true;
      head.headers.Remove(http::HeaderId::kContentType);
    }
    filter::Apply(HeaderChange{HeaderChange::How::kAdd, name, std::string(value)}, head.headers);
    return true;
  });
}

// :status of the table at 2; 0: there is none that could be.
uint16_t StatusOf(lua_State* lua) {
  uint32_t status = 0;
  EachField(lua, 2, [&status](const std::string& name, absl::string_view value) {
    if (name == ":status" && !absl::SimpleAtoi(value, &status)) status = 0;
    return true;
  });
  return status < 200 || status >= 600 ? 0 : static_cast<uint16_t>(status);
}

const char* WhyInvalid(lua_State* lua) {
  const bool valid = EachField(lua, 2, [](const std::string& name, absl::string_view value) {
    return filter::IsValid(HeaderChange{HeaderChange::How::kAdd, name, std::string(value)});
  });
  return valid ? nullptr : "respond() with a header that would break the response";
}

}  // namespace

int HttpCall(lua_State* lua) {
  Run& run = CheckRun(lua, kHandleType);
  CheckText(lua, 2);
  const CallOptions options = CheckOptions(lua);
  CheckFieldTable(lua, 3);
  if (!lua_isnoneornil(lua, 4) && CheckText(lua, 4).size() > kMaxBodyToSend) {
    return luaL_error(lua, "http call with a body of more than %d bytes",
                      static_cast<int>(kMaxBodyToSend));
  }
  if (!options.asynchronous && !Vm::Of(lua).IsCurrent(lua)) {
    return luaL_error(lua, "the proxy cannot be waited for in a coroutine of the script's own");
  }
  const char* why = StartCall(lua, run, options);
  if (why != nullptr) return luaL_error(lua, "%s", why);
  if (options.asynchronous) return 0;
  run.WaitForCall(options.all_values);
  return lua_yield(lua, 0);
}

int PushCallResult(lua_State* lua, void* of) {
  Run& run = *static_cast<Run*>(of);
  rpc::HttpCall& call = *run.call();
  if (call.end() == rpc::HttpCall::End::kTimeout) {
    return PushFailure(lua, "504", "upstream request timeout");
  }
  if (call.end() != rpc::HttpCall::End::kAnswer) {
    return PushFailure(lua, "503", "upstream failure");
  }
  lua_newtable(lua);
  lua_pushfstring(lua, "%d", static_cast<int>(call.response().status));
  lua_setfield(lua, -2, ":status");
  for (const http::Header& field : call.response().headers) {
    PutField(lua, field.name(), field.value(), run.wants_all_values());
  }
  if (call.body().empty()) {
    lua_pushnil(lua);
    return 2;
  }
  std::string& bytes = run.vm().scratch();
  bytes = call.body().ToString();
  PushText(lua, bytes);
  bytes.clear();
  bytes.shrink_to_fit();
  return 2;
}

int Respond(lua_State* lua) {
  Run& run = CheckRun(lua, kHandleType);
  if (!run.is_request()) {
    return luaL_error(lua, "respond not currently supported in the response path");
  }
  if (!run.holds_head() || run.stream().response_sent() || run.responded()) {
    return luaL_error(lua, "respond() cannot be called if headers have been continued");
  }
  CheckFieldTable(lua, 2);
  size_t size = 0;
  const char* body = luaL_optlstring(lua, 3, "", &size);
  const uint16_t status = StatusOf(lua);
  if (status == 0) return luaL_error(lua, ":status must be between 200-599");
  if (size > kMaxWrittenBodyBytes) return luaL_error(lua, "respond() with a body that is too long");
  if (const char* why = WhyInvalid(lua)) return luaL_error(lua, "%s", why);
  if (!Vm::Of(lua).IsCurrent(lua)) {
    return luaL_error(lua, "respond() cannot be called in a coroutine of the script's own");
  }
  FillResponse(lua, run.Respond(status, absl::string_view(body, size)));
  return lua_yield(lua, 0);
}

}  // namespace proxenos::filters::lua
