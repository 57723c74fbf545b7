// Arguments, results and replacements, as section 5.4 of the manual of Lua 5.1 has them. Errors are
// raised: nothing here has a destructor to run.
#include "source/filters/http/lua/patterns.h"

#include <cstring>
#include <luajit-2.1/lua.hpp>

#include "source/filters/http/lua/api.h"
#include "source/filters/http/lua/pattern.h"

namespace proxenos::filters::lua {
namespace {

// Of a closure here: whose budget it takes of. Of gmatch's also where it is.
constexpr int kSteps = 1, kText = 2, kPattern = 3, kAt = 4;

uint64_t& StepsOf(lua_State* lua) {
  return *static_cast<uint64_t*>(lua_touserdata(lua, lua_upvalueindex(kSteps)));
}

int Raise(lua_State* lua, const PatternMatch& match) {
  return luaL_error(lua, "%s", match.error());
}

// Where to begin: from 0, or behind the text's end.
size_t BeginAt(lua_State* lua, int index, size_t size) {
  lua_Integer begin = luaL_optinteger(lua, index, 1);
  if (begin < 0) begin += static_cast<lua_Integer>(size) + 1;
  if (begin < 1) begin = 1;
  return static_cast<size_t>(begin) - 1;
}

// The capture of that number; the whole where there are none.
void PushCapture(lua_State* lua, const PatternMatch& match, size_t index, size_t begin,
                 size_t end) {
  if (index >= match.capture_count()) {
    if (index != 0) luaL_error(lua, "invalid capture index");
    return PushText(lua, match.text().substr(begin, end - begin));
  }
  const PatternMatch::Capture& capture = match.capture(index);
  switch (capture.state) {
    case PatternMatch::Capture::State::kOpen:
      luaL_error(lua, "unfinished capture");
      return;
    case PatternMatch::Capture::State::kPosition:
      return lua_pushinteger(lua, static_cast<lua_Integer>(capture.begin + 1));
    case PatternMatch::Capture::State::kClosed:
      return PushText(lua, match.text().substr(capture.begin, capture.size));
  }
}

// `whole`: that too where there are none.
int PushCaptures(lua_State* lua, const PatternMatch& match, bool whole, size_t begin, size_t end) {
  const size_t count = match.capture_count() == 0 && whole ? 1 : match.capture_count();
  luaL_checkstack(lua, static_cast<int>(count), "too many captures");
  for (size_t i = 0; i < count; ++i) PushCapture(lua, match, i, begin, end);
  return static_cast<int>(count);
}

int FindPlain(lua_State* lua, absl::string_view text, absl::string_view part, size_t at) {
  uint64_t& steps = StepsOf(lua);
  const uint64_t cost = (text.size() - at) / 16 + part.size();
  if (steps < cost) return luaL_error(lua, "patterns took too many steps");
  steps -= cost;
  size_t found = absl::string_view::npos;
  if (part.empty()) {
    found = at;
  } else if (text.size() - at >= part.size()) {
    const void* place = memmem(text.data() + at, text.size() - at, part.data(), part.size());
    if (place != nullptr)
      found = static_cast<size_t>(static_cast<const char*>(place) - text.data());
  }
  if (found == absl::string_view::npos) return PushNil(lua);
  lua_pushinteger(lua, static_cast<lua_Integer>(found + 1));
  lua_pushinteger(lua, static_cast<lua_Integer>(found + part.size()));
  return 2;
}

// kFinds: the places too.
template <bool kFinds>
int Search(lua_State* lua) {
  const absl::string_view text = CheckText(lua, 1);
  absl::string_view pattern = CheckText(lua, 2);
  size_t at = BeginAt(lua, 3, text.size());
  if (at > text.size()) at = text.size();
  if (kFinds && (lua_toboolean(lua, 4) != 0 || IsPlain(pattern))) {
    return FindPlain(lua, text, pattern, at);
  }
  const bool anchored = !pattern.empty() && pattern[0] == '^';
  if (anchored) pattern.remove_prefix(1);
  PatternMatch match(text, pattern, StepsOf(lua));
  for (; at <= text.size(); ++at) {
    const size_t end = match.At(at);
    if (match.error() != nullptr) return Raise(lua, match);
    if (end != PatternMatch::kNo) {
      if (!kFinds) return PushCaptures(lua, match, true, at, end);
      lua_pushinteger(lua, static_cast<lua_Integer>(at + 1));
      lua_pushinteger(lua, static_cast<lua_Integer>(end));
      return 2 + PushCaptures(lua, match, false, at, end);
    }
    if (anchored) break;
  }
  return PushNil(lua);
}

int NextMatch(lua_State* lua) {
  const absl::string_view text = CheckText(lua, lua_upvalueindex(kText));
  const absl::string_view pattern = CheckText(lua, lua_upvalueindex(kPattern));
  PatternMatch match(text, pattern, StepsOf(lua));
  auto at = static_cast<size_t>(lua_tointeger(lua, lua_upvalueindex(kAt)));
  for (; at <= text.size(); ++at) {
    const size_t end = match.At(at);
    if (match.error() != nullptr) return Raise(lua, match);
    if (end == PatternMatch::kNo) continue;
    lua_pushinteger(lua, static_cast<lua_Integer>(end == at ? end + 1 : end));
    lua_replace(lua, lua_upvalueindex(kAt));
    return PushCaptures(lua, match, true, at, end);
  }
  return 0;
}

int MatchAll(lua_State* lua) {
  CheckText(lua, 1);
  CheckText(lua, 2);
  lua_settop(lua, 2);
  lua_pushvalue(lua, lua_upvalueindex(kSteps));
  lua_insert(lua, 1);
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, NextMatch, 4);
  return 1;
}

// What stands in the third argument, a text, with the captures in it.
void AddText(lua_State* lua, luaL_Buffer* out, const PatternMatch& match, size_t begin,
             size_t end) {
  size_t size = 0;
  const char* bytes = lua_tolstring(lua, 3, &size);
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] != '%') {
      luaL_addchar(out, bytes[i]);
      continue;
    }
    const char next = ++i < size ? bytes[i] : '\0';
    if (next < '0' || next > '9') {
      luaL_addchar(out, next);
    } else if (next == '0') {
      luaL_addlstring(out, match.text().data() + begin, end - begin);
    } else {
      PushCapture(lua, match, static_cast<size_t>(next - '1'), begin, end);
      luaL_addvalue(out);
    }
  }
}

void AddReplacement(lua_State* lua, luaL_Buffer* out, const PatternMatch& match, size_t begin,
                    size_t end) {
  switch (lua_type(lua, 3)) {
    case LUA_TFUNCTION:
      lua_pushvalue(lua, 3);
      lua_call(lua, PushCaptures(lua, match, true, begin, end), 1);
      break;
    case LUA_TTABLE:
      PushCapture(lua, match, 0, begin, end);
      lua_gettable(lua, 3);
      break;
    default:
      return AddText(lua, out, match, begin, end);
  }
  if (lua_toboolean(lua, -1) == 0) {
    lua_pop(lua, 1);
    PushText(lua, match.text().substr(begin, end - begin));
  } else if (lua_isstring(lua, -1) == 0) {
    luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
  }
  luaL_addvalue(out);
}

int Replace(lua_State* lua) {
  const absl::string_view text = CheckText(lua, 1);
  absl::string_view pattern = CheckText(lua, 2);
  const int type = lua_type(lua, 3);
  luaL_argcheck(
      lua,
      type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
      "string/function/table expected");
  const lua_Integer most = luaL_optinteger(lua, 4, static_cast<lua_Integer>(text.size()) + 1);
  const bool anchored = !pattern.empty() && pattern[0] == '^';
  if (anchored) pattern.remove_prefix(1);
  PatternMatch match(text, pattern, StepsOf(lua));
  luaL_Buffer out;
  luaL_buffinit(lua, &out);
  size_t at = 0;
  lua_Integer count = 0;
  while (count < most) {
    const size_t end = match.At(at);
    if (match.error() != nullptr) return Raise(lua, match);
    if (end != PatternMatch::kNo) {
      ++count;
      AddReplacement(lua, &out, match, at, end);
    }
    if (end != PatternMatch::kNo && end > at) {
      at = end;
    } else if (at < text.size()) {
      luaL_addchar(&out, text[at++]);
    } else {
      break;
    }
    if (anchored) break;
  }
  luaL_addlstring(&out, text.data() + at, text.size() - at);
  luaL_pushresult(&out);
  lua_pushinteger(lua, count);
  return 2;
}

constexpr luaL_Reg kFunctions[] = {
    {"find", Search<true>}, {"match", Search<false>}, {"gmatch", MatchAll}, {"gsub", Replace}};

}  // namespace

void SetPatternFunctions(lua_State* lua, uint64_t* steps) {
  for (const luaL_Reg& function : kFunctions) {
    lua_pushlightuserdata(lua, steps);
    lua_pushcclosure(lua, function.func, 1);
    lua_setfield(lua, -2, function.name);
  }
}

}  // namespace proxenos::filters::lua
