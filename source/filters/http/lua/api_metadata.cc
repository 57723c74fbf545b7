// Metadata: of routes, virtual hosts and the filter's own context, which are configured; and the
// stream's dynamic metadata, which filters leave to each other.
#include <utility>

#include "source/filters/http/lua/api.h"

namespace proxenos::filters::lua {
namespace {

// Kinds of kMetadataType and of kRouteType.
constexpr uint32_t kOfRoute = 0;
constexpr uint32_t kOfHost = 1;
constexpr uint32_t kOfFilter = 2;
// Of kDynamicMetadataType.
constexpr uint32_t kOfStream = 0;
constexpr uint32_t kOfConnection = 1;

// What `metadata` has for the filter, by its own name or by the one that it goes by.
const json::Object* Own(const Run& run, const std::shared_ptr<const json::Object>& metadata) {
  if (metadata == nullptr) return nullptr;
  auto found = metadata->find(run.place().factory.name.text());
  if (found == metadata->end()) found = metadata->find("envoy.filters.http.lua");
  return found == metadata->end() ? nullptr : found->second.object();
}

const json::Object* Find(Run& run, uint32_t kind) {
  if (kind == kOfFilter) {
    const RouteSettings* route = run.place().route;
    return route != nullptr && route->context.has_value() ? &*route->context
                                                          : &run.place().settings.context;
  }
  run.FreshenRoute();
  const route::Route* route = run.stream().route;
  if (route == nullptr) return nullptr;
  return Own(run, kind == kOfRoute ? route->metadata : route->virtual_host->metadata);
}

const json::Object* FindDynamic(const Run& run, uint32_t kind) {
  const filter::StreamInfo& info = run.stream().info;
  if (kind == kOfStream) return info.metadata.all();
  const filter::ConnectionInfo* connection = info.connection;
  return connection == nullptr || connection->proxy_notes == nullptr
             ? nullptr
             : connection->proxy_notes->metadata.all();
}

const json::Object* CheckAny(lua_State* lua, const char* type) {
  const Object& object = CheckObject(lua, type);
  Run& run = *Vm::Of(lua).current();
  return type == kMetadataType ? Find(run, object.kind) : FindDynamic(run, object.kind);
}

int GetFrom(lua_State* lua, const json::Object* object) {
  const absl::string_view name = CheckText(lua, 2);
  if (object == nullptr) return PushNil(lua);
  const auto found = object->find(name);
  if (found == object->end()) return PushNil(lua);
  PushJson(lua, found->second);
  return 1;
}

// The member behind the one whose name the loop has last been given.
int NextOf(lua_State* lua, const json::Object* object) {
  if (object == nullptr) return 0;
  auto next = object->begin();
  if (!lua_isnoneornil(lua, 2)) next = object->upper_bound(CheckText(lua, 2));
  if (next == object->end()) return 0;
  PushText(lua, next->first);
  PushJson(lua, next->second);
  return 2;
}

template <const char* kType>
int Get(lua_State* lua) {
  return GetFrom(lua, CheckAny(lua, kType));
}
template <const char* kType>
int Next(lua_State* lua) {
  return NextOf(lua, CheckAny(lua, kType));
}
template <const char* kType>
int Pairs(lua_State* lua) {
  CheckObject(lua, kType);
  lua_pushcfunction(lua, Next<kType>);
  lua_pushvalue(lua, 1);
  return 2;
}

// About what it takes of memory.
size_t WeightOf(const json::Value& value) {
  size_t bytes = sizeof(json::Value);
  if (const std::string* text = value.text()) return bytes + text->size();
  if (const json::List* list = value.list()) {
    for (const json::Value& one : *list) bytes += WeightOf(one);
  } else if (const json::Object* object = value.object()) {
    for (const auto& [name, one] : *object) bytes += 64 + name.size() + WeightOf(one);
  }
  return bytes;
}

// Raises nothing: it has destructors to run.
const char* SetDynamic(lua_State* lua, Run& run, absl::string_view space, absl::string_view name) {
  json::Value value;
  if (const char* why = ToJson(lua, 4, value)) return why;
  const size_t bytes = space.size() + name.size() + WeightOf(value);
  if (!run.TakeNoteRoom(bytes)) return "the script has left too much in dynamic metadata";
  run.stream().info.metadata.Set(space, std::string(name), std::move(value));
  return nullptr;
}

int Set(lua_State* lua) {
  const Object& object = CheckObject(lua, kDynamicMetadataType);
  if (object.kind != kOfStream) {
    return luaL_error(lua, "the connection's dynamic metadata cannot be changed");
  }
  const absl::string_view space = CheckText(lua, 2);
  const absl::string_view name = CheckText(lua, 3);
  lua_settop(lua, 4);
  MakeJsonRoom(lua);
  const char* why = SetDynamic(lua, *Vm::Of(lua).current(), space, name);
  return why == nullptr ? 0 : luaL_error(lua, "%s", why);
}

int MetadataOfRoute(lua_State* lua) {
  const uint32_t kind = CheckObject(lua, kRouteType).kind;
  PushObject(lua, kMetadataType, kind);
  return 1;
}

// There are no protos that could be read.
int DynamicTypedMetadata(lua_State* lua, const char* type) {
  CheckObject(lua, type);
  CheckText(lua, 2);
  return PushNil(lua);
}

constexpr luaL_Reg kMetadataMethods[] = {{"get", Get<kMetadataType>}, {nullptr, nullptr}};
constexpr luaL_Reg kDynamicMethods[] = {
    {"get", Get<kDynamicMetadataType>}, {"set", Set}, {nullptr, nullptr}};
constexpr luaL_Reg kRouteMethods[] = {{"metadata", MetadataOfRoute}, {nullptr, nullptr}};

int DynamicMetadata(lua_State* lua) {
  CheckObject(lua, kConnectionInfoType);
  PushObject(lua, kDynamicMetadataType, kOfConnection);
  return 1;
}

int ConnectionTypedMetadata(lua_State* lua) {
  return DynamicTypedMetadata(lua, kConnectionInfoType);
}

constexpr luaL_Reg kConnectionInfoMethods[] = {{"dynamicMetadata", DynamicMetadata},
                                               {"dynamicTypedMetadata", ConnectionTypedMetadata},
                                               {nullptr, nullptr}};

}  // namespace

int Metadata(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kMetadataType, kOfRoute);
  return 1;
}

int FilterContext(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kMetadataType, kOfFilter);
  return 1;
}

int Route(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kRouteType, kOfRoute);
  return 1;
}

int VirtualHost(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kRouteType, kOfHost);
  return 1;
}

int ConnectionStreamInfo(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kConnectionInfoType);
  return 1;
}

void OpenMetadata(lua_State* lua) {
  DefineType(lua, kMetadataType, kMetadataMethods, Pairs<kMetadataType>);
  DefineType(lua, kDynamicMetadataType, kDynamicMethods, Pairs<kDynamicMetadataType>);
  DefineType(lua, kRouteType, kRouteMethods, nullptr);
  DefineType(lua, kConnectionInfoType, kConnectionInfoMethods, nullptr);
}

}  // namespace proxenos::filters::lua
