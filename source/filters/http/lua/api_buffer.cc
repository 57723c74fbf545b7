// Bodies: the whole of one (kind 0), or the piece that has just come (kind 1).
#include <algorithm>
#include <cstring>

#include "source/filters/http/lua/api.h"

namespace proxenos::filters::lua {
namespace {

buffer::Buffer& CheckBuffer(lua_State* lua) {
  const Object& object = CheckObject(lua, kBufferType);
  Run& run = *Vm::Of(lua).current();
  if (object.kind == 0) {
    if (!run.holds_head()) luaL_error(lua, "object used outside of proper scope");
    return run.in().body;
  }
  if (run.piece() == nullptr || run.number_of_piece() != object.serial) {
    luaL_error(lua, "object used outside of proper scope");
  }
  return *run.piece();
}

int Length(lua_State* lua) {
  lua_pushnumber(lua, static_cast<lua_Number>(CheckBuffer(lua).size()));
  return 1;
}

int GetBytes(lua_State* lua) {
  const buffer::Buffer& body = CheckBuffer(lua);
  const lua_Number index = luaL_checknumber(lua, 2);
  const lua_Number length = luaL_checknumber(lua, 3);
  const lua_Number size = static_cast<lua_Number>(body.size());
  // Written so that what is no number fails too.
  if (!(index >= 0 && length >= 0 && index + length <= size)) {
    return luaL_error(lua, "index/length must be >= 0 and (index + length) must be <= buffer size");
  }
  uint64_t skip = static_cast<uint64_t>(index);
  uint64_t left = static_cast<uint64_t>(length);
  std::string& bytes = Vm::Of(lua).scratch();
  bytes.clear();
  for (size_t i = 0; i < body.slice_count() && left > 0; ++i) {
    absl::string_view slice = body.slice(i).view();
    const uint64_t skipped = std::min<uint64_t>(skip, slice.size());
    skip -= skipped;
    slice = slice.substr(skipped).substr(0, left);
    bytes.append(slice.data(), slice.size());
    left -= slice.size();
  }
  PushText(lua, bytes);
  bytes.clear();
  bytes.shrink_to_fit();
  return 1;
}

int SetBytes(lua_State* lua) {
  buffer::Buffer& body = CheckBuffer(lua);
  const absl::string_view bytes = CheckText(lua, 2);
  Run& run = *Vm::Of(lua).current();
  if (bytes.size() > kMaxWrittenBodyBytes) {
    return luaL_error(lua, "setBytes() takes at most %d bytes",
                      static_cast<int>(kMaxWrittenBodyBytes));
  }
  if (run.holds_head()) {
    run.SetWholeBody(bytes);
  } else {
    if (run.framing().kind == http::Framing::kLength && bytes.size() != body.size()) {
      return luaL_error(lua,
                        "setBytes() would make the body disagree with the content-length that was "
                        "sent: remove content-length before bodyChunks()");
    }
    body.Clear();
    body.Append(bytes);
  }
  lua_pushnumber(lua, static_cast<lua_Number>(bytes.size()));
  return 1;
}

constexpr luaL_Reg kMethods[] = {
    {"length", Length}, {"getBytes", GetBytes}, {"setBytes", SetBytes}, {nullptr, nullptr}};

}  // namespace

void OpenBuffer(lua_State* lua) { DefineType(lua, kBufferType, kMethods, nullptr); }

}  // namespace proxenos::filters::lua
