// Fields: of the message's own head (kind 0), of the request's head in the response's path (1), of
// the message's trailers (2). Pseudo headers are a head's control data.
#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/filter/header_change.h"
#include "source/filters/http/lua/api.h"
#include "source/http/chars.h"
#include "source/http/content_coding.h"

namespace proxenos::filters::lua {
namespace {

using filter::HeaderChange;
using http::HeaderId;

constexpr uint32_t kRequestKind = 1;
constexpr uint32_t kTrailersKind = 2;
constexpr size_t kMaxNameBytes = 1024;

struct Fields {
  Run* run;
  http::HeaderMap* map;
  const http::RequestHead* request = nullptr;  // Whose control data belongs to it; or null.
  http::ResponseHead* response = nullptr;
  bool trailers = false;
};

Fields CheckFields(lua_State* lua) {
  const Object& object = CheckObject(lua, kHeadersType);
  Run& run = *Vm::Of(lua).current();
  Fields fields{&run, &run.headers()};
  if (object.kind == kTrailersKind) {
    fields.map = run.trailers();
    fields.trailers = true;
    if (fields.map == nullptr) luaL_error(lua, "object used outside of proper scope");
  } else if (object.kind == kRequestKind || run.is_request()) {
    fields.request = &run.stream().request;
    fields.map = &run.stream().request.headers;
  } else {
    fields.response = &run.stream().response;
  }
  return fields;
}

Fields CheckChangeable(lua_State* lua) {
  const Fields fields = CheckFields(lua);
  if (fields.request != nullptr && !fields.run->is_request()) {
    luaL_error(lua, "the request's headers cannot be changed: they have been sent");
  }
  if (!fields.trailers && !fields.run->holds_head()) {
    luaL_error(lua, "header map can no longer be modified");
  }
  return fields;
}

// The name at `index` in lower case, in `bytes`.
absl::string_view CheckName(lua_State* lua, int index, std::array<char, kMaxNameBytes>& bytes) {
  const absl::string_view name = CheckText(lua, index);
  if (name.size() > bytes.size()) luaL_error(lua, "a header name of more than 1024 bytes");
  std::transform(name.begin(), name.end(), bytes.begin(),
                 [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); });
  return absl::string_view(bytes.data(), name.size());
}

// The value of what stands beside the fields; of no data when there is none of that name.
absl::string_view ControlValue(const Fields& fields, absl::string_view name) {
  if (fields.request != nullptr) {
    const http::RequestHead& head = *fields.request;
    if (name == ":path") return head.path;
    if (name == ":method") return head.method_text;
    if (name == ":authority" || name == "host") return head.authority;
    if (name == ":scheme") return head.scheme;
    if (name == "upgrade") return head.upgrade;
  } else if (fields.response != nullptr) {
    if (name == ":status") {
      return fields.map->arena().Copy(absl::AlphaNum(fields.response->status).Piece());
    }
    if (name == "upgrade") return fields.response->upgrade;
  }
  return absl::string_view();
}

int Get(lua_State* lua) {
  const Fields fields = CheckFields(lua);
  std::array<char, kMaxNameBytes> bytes;
  const absl::string_view name = CheckName(lua, 2, bytes);
  const absl::string_view control = ControlValue(fields, name);
  if (!control.empty()) {
    PushText(lua, control);
    return 1;
  }
  const http::Header* first = nullptr;
  std::string& joined = Vm::Of(lua).scratch();
  joined.clear();
  for (const http::Header& field : *fields.map) {
    if (field.name() != name) continue;
    if (first == nullptr) {
      first = &field;
      continue;
    }
    if (joined.empty()) absl::StrAppend(&joined, first->value());
    absl::StrAppend(&joined, ",", field.value());
  }
  if (first == nullptr) return PushNil(lua);
  PushText(lua, joined.empty() ? first->value() : absl::string_view(joined));
  return 1;
}

int GetAtIndex(lua_State* lua) {
  const Fields fields = CheckFields(lua);
  std::array<char, kMaxNameBytes> bytes;
  const absl::string_view name = CheckName(lua, 2, bytes);
  lua_Integer index = luaL_checkinteger(lua, 3);
  const absl::string_view control = ControlValue(fields, name);
  if (!control.empty()) {
    if (index != 0) return PushNil(lua);
    PushText(lua, control);
    return 1;
  }
  for (const http::Header& field : *fields.map) {
    if (field.name() != name || index-- != 0) continue;
    PushText(lua, field.value());
    return 1;
  }
  return PushNil(lua);
}

int GetNumValues(lua_State* lua) {
  const Fields fields = CheckFields(lua);
  std::array<char, kMaxNameBytes> bytes;
  const absl::string_view name = CheckName(lua, 2, bytes);
  lua_Integer count = ControlValue(fields, name).empty() ? 0 : 1;
  for (const http::Header& field : *fields.map) count += field.name() == name ? 1 : 0;
  lua_pushinteger(lua, count);
  return 1;
}

// Why a head's control data cannot be so, or null once it is.
const char* ChangeControl(const Fields& fields, const HeaderChange& change) {
  Run& run = *fields.run;
  if (fields.trailers) return "trailers have no pseudo headers";
  if (!run.is_request()) {
    uint32_t status = 0;
    if (change.name != ":status") return "a response has no pseudo header but :status";
    if (!absl::SimpleAtoi(change.value, &status) || status < 200 || status >= 600) {
      return ":status must be between 200-599";
    }
    fields.response->status = static_cast<uint16_t>(status);
    fields.response->reason = absl::string_view();
    return nullptr;
  }
  http::RequestHead& head = run.stream().request;
  filter::Apply(change, head);
  // What cannot be is left as it was.
  return ControlValue(fields, change.name) == absl::string_view(change.value)
             ? nullptr
             : "the pseudo header cannot have this value";
}

void ChangeLength(const Fields& fields, absl::string_view value, bool adds) {
  if (fields.trailers) return;
  if (!adds || !fields.map->Has(HeaderId::kContentLength)) {
    fields.map->Set(HeaderId::kContentLength, value);
  }
  fields.run->MarkLengthChanged();
}

// Nothing is raised in it: it has destructors to run.
const char* Change(const Fields& fields, HeaderChange::How how, absl::string_view name,
                   absl::string_view value) {
  const HeaderChange change{how, std::string(name), std::string(value)};
  if (!filter::IsValid(change)) return "a header of this name and value would break the message";
  if (!fields.run->TakeHeaderRoom(name.size() + value.size() + sizeof(http::Header))) {
    return "the script has written more headers than it may";
  }
  fields.run->MarkChanged();
  if (name[0] == ':' || (name == "host" && fields.request != nullptr)) {
    return ChangeControl(fields, change);
  }
  if (name == "content-length") {
    ChangeLength(fields, value, how == HeaderChange::How::kAdd);
  } else {
    filter::Apply(change, *fields.map);
  }
  return nullptr;
}

int Write(lua_State* lua, HeaderChange::How how) {
  const Fields fields = CheckChangeable(lua);
  std::array<char, kMaxNameBytes> bytes;
  const absl::string_view name = CheckName(lua, 2, bytes);
  const char* why = Change(fields, how, name, CheckText(lua, 3));
  return why == nullptr ? 0 : luaL_error(lua, "%s: %s", why, lua_tostring(lua, 2));
}

int Add(lua_State* lua) { return Write(lua, HeaderChange::How::kAdd); }
int Replace(lua_State* lua) { return Write(lua, HeaderChange::How::kSet); }

int Remove(lua_State* lua) {
  const Fields fields = CheckChangeable(lua);
  std::array<char, kMaxNameBytes> bytes;
  const absl::string_view name = CheckName(lua, 2, bytes);
  if ((!name.empty() && name[0] == ':') || (name == "host" && fields.request != nullptr)) {
    return luaL_error(lua, "a message needs its %s", lua_tostring(lua, 2));
  }
  fields.run->MarkChanged();
  if (name != "content-length") {
    filter::RemoveField(name, *fields.map);
  } else if (!fields.trailers) {
    http::ForgetLength(fields.run->framing(), *fields.map);
  }
  return 0;
}

int SetHttp1ReasonPhrase(lua_State* lua) {
  const Fields fields = CheckChangeable(lua);
  const absl::string_view phrase = CheckText(lua, 2);
  if (fields.response == nullptr) {
    return luaL_error(lua, "only a response has a reason phrase");
  }
  if (!std::all_of(phrase.begin(), phrase.end(), http::IsValueChar) ||
      !fields.run->TakeHeaderRoom(phrase.size())) {
    return luaL_error(lua, "the reason phrase would break the response");
  }
  fields.response->reason = fields.map->arena().Copy(phrase);
  return 0;
}

// The fields as they were when pairs() was called: views, which live as long as the stream.
struct Snapshot {
  struct Item {
    absl::string_view name;
    absl::string_view value;
  };
  uint64_t run;
  uint32_t count;
  uint32_t next;
  Item items[1];  // In truth `count`.
};

int NextField(lua_State* lua) {
  auto& snapshot = *static_cast<Snapshot*>(lua_touserdata(lua, lua_upvalueindex(1)));
  const Run* run = Vm::Of(lua).current();
  if (run == nullptr || run->id() != snapshot.run) {
    return luaL_error(lua, "object used outside of proper scope");
  }
  if (snapshot.next == snapshot.count) return 0;
  const Snapshot::Item& item = snapshot.items[snapshot.next++];
  PushText(lua, item.name);
  PushText(lua, item.value);
  return 2;
}

int Pairs(lua_State* lua) {
  static constexpr absl::string_view kOfRequest[] = {":authority", ":path", ":method", ":scheme"};
  static constexpr absl::string_view kOfResponse[] = {":status"};
  const Fields fields = CheckFields(lua);
  const size_t most = fields.map->size() + std::size(kOfRequest);
  auto& snapshot = *static_cast<Snapshot*>(
      lua_newuserdata(lua, sizeof(Snapshot) + most * sizeof(Snapshot::Item)));
  snapshot.run = fields.run->id();
  snapshot.count = snapshot.next = 0;
  const auto add = [&snapshot](absl::string_view name, absl::string_view value) {
    snapshot.items[snapshot.count++] = {name, value};
  };
  if (fields.request != nullptr) {
    for (absl::string_view name : kOfRequest) add(name, ControlValue(fields, name));
  } else if (fields.response != nullptr) {
    for (absl::string_view name : kOfResponse) add(name, ControlValue(fields, name));
  }
  for (const http::Header& field : *fields.map) add(field.name(), field.value());
  lua_pushcclosure(lua, NextField, 1);
  return 1;
}

constexpr luaL_Reg kMethods[] = {
    {"get", Get},
    {"getAtIndex", GetAtIndex},
    {"getNumValues", GetNumValues},
    {"add", Add},
    {"replace", Replace},
    {"remove", Remove},
    {"setHttp1ReasonPhrase", SetHttp1ReasonPhrase},
    {nullptr, nullptr},
};

}  // namespace

void OpenHeaders(lua_State* lua) { DefineType(lua, kHeadersType, kMethods, Pairs); }

}  // namespace proxenos::filters::lua
