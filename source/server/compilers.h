// From a resource's bytes to its compiled form: the proto is parsed, its constraints and fields are
// checked (source/config), the folder that owns the thing compiles it (room 3 of an update), and
// the proto is forgotten. The stores know resources by these functions alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "source/base/clock.h"
#include "source/config/errors.h"
#include "source/config/fields.h"
#include "source/downstream/http_config.h"
#include "source/runtime/snapshot.h"
#include "source/server/wanted_names.h"
#include "source/tls/secret.h"
#include "source/upstream/cluster.h"
#include "source/xds/xxhash64.h"

namespace proxenos::downstream {
struct ListenerCompiler;
}

namespace proxenos::server {

// Where the scopes of a filter chain come from.
struct ScopeOrigin {
  SourceKey source;
  base::Nanos timeout = 15 * base::kSecond;  // initial_fetch_timeout; 0 waits without end.
  std::string locator = {};                  // Of a collection; empty: all that the source has.
};

// Where the routes of a filter chain come from.
struct RouteOrigin {
  SourceKey source;                          // Of http->rds_name, or those that scopes name.
  base::Nanos timeout = 15 * base::kSecond;  // initial_fetch_timeout; 0 waits without end.
  // Routes written inline, serialized, for /config_dump; else null.
  std::shared_ptr<const std::string> written;
  std::optional<ScopeOrigin> scopes;  // Of scopes that come by discovery.
  // Scopes that are listed, serialized, for /config_dump.
  std::vector<std::string> written_scopes;
};

// Where the virtual hosts of a route configuration come from (RouteConfiguration.vhds).
struct HostsOrigin {
  SourceKey source;
  base::Nanos timeout = 15 * base::kSecond;  // initial_fetch_timeout; 0 waits without end.
  uint32_t max_direct_response_bytes = 4096;
};

struct CompiledListener {
  std::shared_ptr<const downstream::ListenerConfig> config;
  std::vector<RouteOrigin> routes;  // Of config->chains, in that order.
  // Where nothing but filter chains has changed: which chain of the version in force each is, or
  // -1 for a new one. Else empty.
  std::vector<int32_t> kept;
  bool Keeps(size_t chain) const { return !kept.empty() && kept[chain] >= 0; }
};

// The version of a listener that another one is to follow.
struct ListenerInForce {
  const std::string& bytes;
  const CompiledListener& compiled;
};

// The bootstrap is checked as a whole, with better paths, before its resources come here; what
// discovery sends is checked here.
enum class Origin : uint8_t { kBootstrap, kDiscovery };

// Each returns null (or a null config) when it has added errors.
struct Compilers {
  using Bytes = const std::string&;
  absl::AnyInvocable<std::shared_ptr<const upstream::ClusterConfig>(Bytes, Origin, config::Errors&)>
      cluster;
  absl::AnyInvocable<std::shared_ptr<const upstream::Assignment>(Bytes, Origin, config::Errors&)>
      assignment;
  absl::AnyInvocable<std::shared_ptr<const downstream::RouteSnapshot>(Bytes, Origin,
                                                                      config::Errors&)>
      routes;
  // Of a RouteConfiguration that was accepted; nothing where all its hosts are in it. May be null:
  // then none has others.
  absl::AnyInvocable<std::optional<HostsOrigin>(Bytes)> hosts_origin;
  // A virtual host by discovery as a table of its own: proof that it is well made.
  absl::AnyInvocable<std::shared_ptr<const route::RouteTable>(Bytes, const HostsOrigin&,
                                                              config::Errors&)>
      host;
  absl::AnyInvocable<CompiledListener(Bytes, Origin, config::Errors&)> listener;
  // By discovery, in the place of one in force, whose chains it keeps where it can. May be null:
  // then none is kept.
  absl::AnyInvocable<CompiledListener(Bytes, const ListenerInForce&, config::Errors&)>
      next_listener;
  // With its files read, and proven.
  absl::AnyInvocable<std::optional<tls::Secret>(Bytes, Origin, config::Errors&)> secret;
  absl::AnyInvocable<std::optional<route::Scope>(Bytes, config::Errors&)> scope;
  // What discovery sent for a place in a chain of filters.
  absl::AnyInvocable<std::shared_ptr<const filter::FilterFactory>(const filter::DiscoveredFilter&,
                                                                  Bytes, config::Errors&)>
      filter;
  // What RTDS sent for the layer `name`.
  absl::AnyInvocable<std::shared_ptr<const runtime::Layer>(const std::string& name, Bytes,
                                                           config::Errors&)>
      runtime_layer;
};

// The name of a listener that has none: the same for the same bytes.
inline std::string UnnamedListener(const std::string& bytes) {
  return absl::StrCat("unnamed-", absl::Hex(xds::XxHash64(bytes), absl::kZeroPad16));
}

// The real ones. Fields that are left aside are added to `ignored`. Both references must outlive
// the result. `unknown`: what to do with fields of discovery that no proto here has; by default as
// Envoy does, since a control plane may be newer than we are. `local_zones`: where the local
// cluster's hosts are; null without one.
Compilers MakeCompilers(const downstream::ListenerCompiler& listener_compiler,
                        config::IgnoredFields& ignored,
                        config::UnknownFields unknown = config::UnknownFields::kIgnore,
                        std::shared_ptr<const upstream::LocalZones> local_zones = nullptr);

}  // namespace proxenos::server
