// What the proxy knows of the stream: addresses, names, filter state.
#include "source/filters/http/lua/api.h"
#include "source/http/message.h"
#include "source/net/address.h"
#include "source/upstream/override_host.h"

namespace proxenos::filters::lua {
namespace {

constexpr size_t kMaxStateBytes = 64 * 1024;

filter::StreamInfo& CheckInfo(lua_State* lua) {
  return CheckRun(lua, kStreamInfoType).stream().info;
}

// Raises nothing: it has a destructor to run. The text is in the scratch of the Vm.
absl::string_view Written(lua_State* lua, const net::Address& address) {
  std::string& scratch = Vm::Of(lua).scratch();
  scratch = address.ToString();
  return scratch;
}

int Protocol(lua_State* lua) {
  PushText(lua, http::VersionText(CheckInfo(lua).protocol));
  return 1;
}

int RouteName(lua_State* lua) {
  Run& run = CheckRun(lua, kStreamInfoType);
  run.FreshenRoute();
  const route::Route* route = run.stream().route;
  PushText(lua, route == nullptr ? absl::string_view() : route->name);
  return 1;
}

int VirtualClusterName(lua_State* lua) {
  Run& run = CheckRun(lua, kStreamInfoType);
  run.FreshenRoute();
  const filter::StreamContext& stream = run.stream();
  const route::VirtualCluster* cluster =
      stream.route == nullptr ? nullptr
                              : stream.route->virtual_host->FindVirtualCluster(stream.request);
  const bool named = cluster != nullptr && !cluster->catch_all;
  PushText(lua, named ? absl::string_view(cluster->name) : absl::string_view());
  return 1;
}

int DownstreamLocalAddress(lua_State* lua) {
  const filter::StreamInfo& info = CheckInfo(lua);
  if (info.connection == nullptr) return PushNil(lua);
  PushText(lua, Written(lua, info.connection->local));
  return 1;
}

int DownstreamDirectRemoteAddress(lua_State* lua) {
  const filter::StreamInfo& info = CheckInfo(lua);
  if (info.connection == nullptr) return PushNil(lua);
  PushText(lua, Written(lua, info.connection->direct_remote));
  return 1;
}

int DownstreamRemoteAddress(lua_State* lua) {
  PushText(lua, Written(lua, CheckInfo(lua).remote));
  return 1;
}

int RequestedServerName(lua_State* lua) {
  const filter::StreamInfo& info = CheckInfo(lua);
  PushText(lua, info.connection == nullptr ? "" : info.connection->requested_server_name);
  return 1;
}

int DownstreamSslConnection(lua_State* lua) {
  const filter::StreamInfo& info = CheckInfo(lua);
  if (info.connection == nullptr || info.connection->tls == nullptr) return PushNil(lua);
  PushObject(lua, kTlsType);
  return 1;
}

int DynamicMetadata(lua_State* lua) {
  CheckObject(lua, kStreamInfoType);
  PushObject(lua, kDynamicMetadataType, 0);
  return 1;
}

// No filter here leaves protos to others.
int DynamicTypedMetadata(lua_State* lua) {
  CheckObject(lua, kStreamInfoType);
  CheckText(lua, 2);
  return PushNil(lua);
}

int DrainConnectionUponCompletion(lua_State* lua) {
  CheckRun(lua, kStreamInfoType).stream().drains_connection = true;
  return 0;
}

int FilterState(lua_State* lua) {
  CheckObject(lua, kStreamInfoType);
  PushObject(lua, kFilterStateType);
  return 1;
}

int GetState(lua_State* lua) {
  const Run& run = CheckRun(lua, kFilterStateType);
  const absl::string_view name = CheckText(lua, 2);
  if (!lua_isnoneornil(lua, 3)) {
    return luaL_error(lua, "filter state is text, which has no fields");
  }
  const std::string* value = run.stream().info.state.Find(name);
  if (value == nullptr) return PushNil(lua);
  PushText(lua, *value);
  return 1;
}

int SetState(lua_State* lua) {
  Run& run = CheckRun(lua, kFilterStateType);
  const absl::string_view name = CheckText(lua, 2);
  const absl::string_view kind = CheckText(lua, 3);
  const absl::string_view value = CheckText(lua, 4);
  if (kind != "envoy.string") {
    return luaL_error(lua, "filter state of kind '%s' is not implemented: use envoy.string",
                      lua_tostring(lua, 3));
  }
  if (name.size() + value.size() > kMaxStateBytes) {
    return luaL_error(lua, "filter state of more than %d bytes", static_cast<int>(kMaxStateBytes));
  }
  if (!run.TakeNoteRoom(sizeof(std::string) * 2 + name.size() + value.size())) {
    return luaL_error(lua, "the script has left too much in filter state");
  }
  run.stream().info.state.Set(name, std::string(value));
  return 0;
}

int Ssl(lua_State* lua) {
  const Run& run = CheckRun(lua, kConnectionType);
  const filter::ConnectionInfo* connection = run.stream().info.connection;
  if (connection == nullptr || connection->tls == nullptr) return PushNil(lua);
  PushObject(lua, kTlsType);
  return 1;
}

constexpr luaL_Reg kInfoMethods[] = {
    {"protocol", Protocol},
    {"routeName", RouteName},
    {"virtualClusterName", VirtualClusterName},
    {"downstreamLocalAddress", DownstreamLocalAddress},
    {"downstreamDirectLocalAddress", DownstreamLocalAddress},
    {"downstreamRemoteAddress", DownstreamRemoteAddress},
    {"downstreamDirectRemoteAddress", DownstreamDirectRemoteAddress},
    {"downstreamSslConnection", DownstreamSslConnection},
    {"requestedServerName", RequestedServerName},
    {"dynamicMetadata", DynamicMetadata},
    {"dynamicTypedMetadata", DynamicTypedMetadata},
    {"filterState", FilterState},
    {"drainConnectionUponCompletion", DrainConnectionUponCompletion},
    {nullptr, nullptr},
};
constexpr luaL_Reg kStateMethods[] = {{"get", GetState}, {"set", SetState}, {nullptr, nullptr}};
constexpr luaL_Reg kConnectionMethods[] = {{"ssl", Ssl}, {nullptr, nullptr}};

// Whether `text` is an address, with a port or without.
bool IsAddress(absl::string_view text) {
  return upstream::ParseHostAddress(text).family() != net::Address::Family::kNone ||
         net::Address::FromIp(text, 0).ok();
}

}  // namespace

int StreamInfo(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kStreamInfoType);
  return 1;
}

int Connection(lua_State* lua) {
  CheckObject(lua, kHandleType);
  PushObject(lua, kConnectionType);
  return 1;
}

int SetUpstreamOverrideHost(lua_State* lua) {
  const Run& run = CheckRun(lua, kHandleType);
  const absl::string_view host = CheckText(lua, 2);
  bool strict = false;
  if (!lua_isnoneornil(lua, 3)) {
    luaL_checktype(lua, 3, LUA_TBOOLEAN);
    strict = lua_toboolean(lua, 3) != 0;
  }
  if (!IsAddress(host)) return luaL_error(lua, "host is not a valid IP address");
  run.stream().info.state.Set(strict ? upstream::kStrictSessionHost : upstream::kSessionHost,
                              std::string(host));
  return 0;
}

void OpenInfo(lua_State* lua) {
  DefineType(lua, kStreamInfoType, kInfoMethods, nullptr);
  DefineType(lua, kFilterStateType, kStateMethods, nullptr);
  DefineType(lua, kConnectionType, kConnectionMethods, nullptr);
}

}  // namespace proxenos::filters::lua
