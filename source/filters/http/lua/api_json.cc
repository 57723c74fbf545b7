// JSON values to Lua and back: numbers, booleans, texts, lists (tables with keys from 1) and
// objects (tables with keys that are texts).
#include <cmath>
#include <utility>

#include "source/filters/http/lua/api.h"

namespace proxenos::filters::lua {
namespace {

constexpr int kMaxDepth = 32;
// Of one value that a script leaves to others.
constexpr size_t kMaxItems = 16 * 1024;
constexpr size_t kMaxTextBytes = 256 * 1024;

void PushValue(lua_State* lua, const json::Value& value, int depth);

void PushMembers(lua_State* lua, const json::Object& object, int depth) {
  luaL_checkstack(lua, 4, "metadata is nested too deep");
  lua_createtable(lua, 0, static_cast<int>(object.size()));
  for (const auto& [name, member] : object) {
    PushText(lua, name);
    PushValue(lua, member, depth + 1);
    lua_rawset(lua, -3);
  }
}

void PushValue(lua_State* lua, const json::Value& value, int depth) {
  if (depth > kMaxDepth) {
    lua_pushnil(lua);
  } else if (const bool* boolean = value.boolean()) {
    lua_pushboolean(lua, *boolean ? 1 : 0);
  } else if (const std::string* text = value.text()) {
    PushText(lua, *text);
  } else if (const json::List* list = value.list()) {
    luaL_checkstack(lua, 4, "metadata is nested too deep");
    lua_createtable(lua, static_cast<int>(list->size()), 0);
    for (size_t i = 0; i < list->size(); ++i) {
      PushValue(lua, (*list)[i], depth + 1);
      lua_rawseti(lua, -2, static_cast<int>(i) + 1);
    }
  } else if (const json::Object* object = value.object()) {
    PushMembers(lua, *object, depth);
  } else if (const auto number = value.number()) {
    lua_pushnumber(lua, *number);
  } else {
    lua_pushnil(lua);
  }
}

// Raises nothing: no key or number is turned into a text, and the stack has room.
class Reader {
 public:
  explicit Reader(lua_State* lua) : lua_(lua) {}

  const char* Read(int index, int depth, json::Value& out) {
    if (++items_ > kMaxItems) return "the value has too many parts";
    switch (lua_type(lua_, index)) {
      case LUA_TNIL:
        out = json::Value();
        return nullptr;
      case LUA_TBOOLEAN:
        out = json::Value(lua_toboolean(lua_, index) != 0);
        return nullptr;
      case LUA_TNUMBER:
        out = json::Value(static_cast<double>(lua_tonumber(lua_, index)));
        return nullptr;
      case LUA_TSTRING:
        return ReadText(index, out);
      case LUA_TTABLE:
        return depth == kMaxDepth ? "the value is nested too deep"
                                  : ReadTable(lua_gettop(lua_) + index + 1, depth, out);
      default:
        return "unexpected type in dynamicMetadata: only tables, texts, numbers and booleans are "
               "values";
    }
  }

 private:
  const char* ReadText(int index, json::Value& out) {
    size_t size = 0;
    const char* text = lua_tolstring(lua_, index, &size);
    bytes_ += size;
    if (bytes_ > kMaxTextBytes) return "the value is too long";
    out = json::Value(std::string(text, size));
    return nullptr;
  }

  const char* ReadTable(int table, int depth, json::Value& out) {
    json::List list;
    json::Object object;
    lua_pushnil(lua_);
    while (lua_next(lua_, table) != 0) {
      json::Value value;
      const char* why = Read(-1, depth + 1, value);
      if (why == nullptr) why = Place(list, object, std::move(value));
      if (why != nullptr) return why;
      lua_pop(lua_, 1);
    }
    if (list.empty()) {
      out = json::Value(std::move(object));
    } else {
      out = json::Value(std::move(list));
    }
    return nullptr;
  }

  // Puts the member whose key is at -2 into the one or the other.
  const char* Place(json::List& list, json::Object& object, json::Value value) {
    static constexpr char kMixed[] =
        "unexpected type number in table key (only string keys are supported)";
    if (lua_type(lua_, -2) == LUA_TSTRING) {
      json::Value key;
      if (!list.empty()) return kMixed;
      if (const char* why = ReadText(-2, key)) return why;
      object.insert_or_assign(*key.text(), std::move(value));
      return nullptr;
    }
    if (lua_type(lua_, -2) != LUA_TNUMBER) {
      return "unexpected type in table key (only string keys are supported)";
    }
    const lua_Number key = lua_tonumber(lua_, -2);
    if (!object.empty() || !(key >= 1) || key > kMaxItems || std::floor(key) != key) return kMixed;
    const size_t place = static_cast<size_t>(key) - 1;
    if (place >= list.size()) {
      // What has no value takes room all the same.
      holes_ += place - list.size();
      if (holes_ > kMaxItems) return "the value has too many parts";
      list.resize(place + 1);
    }
    list[place] = std::move(value);
    return nullptr;
  }

  lua_State* const lua_;
  size_t items_ = 0;
  size_t holes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

void PushJson(lua_State* lua, const json::Value& value) { PushValue(lua, value, 0); }
void PushJson(lua_State* lua, const json::Object& object) { PushMembers(lua, object, 0); }

void MakeJsonRoom(lua_State* lua) {
  luaL_checkstack(lua, 3 * kMaxDepth + 4, "the value is nested too deep");
}

const char* ToJson(lua_State* lua, int index, json::Value& out) {
  const int top = lua_gettop(lua);
  // Relative, as the reader wants it.
  const char* why = Reader(lua).Read(index - top - 1, 0, out);
  lua_settop(lua, top);
  return why;
}

}  // namespace proxenos::filters::lua
