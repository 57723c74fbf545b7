// Parse, check, compile; the proto dies here.
#include "source/server/compilers.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/service/runtime/v3/rtds.pb.h"
#include "google/protobuf/arena.h"
#include "source/config/constraints.h"
#include "source/config/screen.h"
#include "source/config/typed_config.h"
#include "source/downstream/http_filters_config.h"
#include "source/downstream/listener_config.h"
#include "source/downstream/route_compilers.h"
#include "source/route/route_config.h"
#include "source/route/scope_config.h"
#include "source/runtime/layer_config.h"
#include "source/server/cluster_filters.h"
#include "source/server/listener_change.h"
#include "source/server/source_key.h"
#include "source/tls/secret_config.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/cluster_kinds_config.h"

namespace proxenos::server {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::listener::v3::FilterChain;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using envoy::config::route::v3::VirtualHost;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

using ExtensionProto = envoy::config::core::v3::TypedExtensionConfig;
using RuntimeProto = envoy::service::runtime::v3::Runtime;
using ScopeProto = envoy::config::route::v3::ScopedRouteConfiguration;
using SecretProto = envoy::extensions::transport_sockets::tls::v3::Secret;

struct FieldPolicy {
  config::IgnoredFields& ignored;
  config::UnknownFields unknown;
};

// The message of a resource, for as long as it is being compiled: in an arena, since of a thousand
// routes each would be a dozen pieces of the heap.
template <typename Message>
class Parsed {
 public:
  // Checked as a whole; without a message where there are errors.
  Parsed(const std::string& bytes, Origin origin, FieldPolicy fields, config::Errors& errors)
      : message_(google::protobuf::Arena::CreateMessage<Message>(&arena_)) {
    if (!Check(bytes, origin, fields, errors)) message_ = nullptr;
  }

  explicit operator bool() const { return message_ != nullptr; }
  Message& operator*() const { return *message_; }
  Message* operator->() const { return message_; }

 private:
  bool Check(const std::string& bytes, Origin origin, FieldPolicy fields, config::Errors& errors) {
    if (!message_->ParseFromString(bytes)) {
      errors.Add(config::Path(),
                 absl::StrCat("is not a valid ", Message::descriptor()->full_name()));
      return false;
    }
    if (origin == Origin::kBootstrap || config::SurelyFine(*Message::descriptor(), bytes)) {
      return true;
    }
    const size_t before = errors.count();
    config::CheckConstraints(*message_, errors);
    config::CheckFields(*message_, errors, fields.ignored, {}, fields.unknown);
    return errors.count() == before;
  }

  google::protobuf::Arena arena_;
  Message* message_;
};

// Where the routes of a chain come from, as its connection manager says.
RouteOrigin OriginOf(const FilterChain& chain) {
  RouteOrigin origin;
  for (const auto& filter : chain.filters()) {
    HttpConnectionManager manager;
    config::Errors ignored;
    if (!config::UnpackTypedConfigTo(filter.typed_config(), manager, config::Path(), ignored)) {
      continue;
    }
    if (manager.has_rds()) {
      origin.source = SourceKeyOf(manager.rds().config_source());
      origin.timeout = FetchTimeoutOf(manager.rds().config_source());
    } else if (manager.has_scoped_routes()) {
      const auto& scoped = manager.scoped_routes();
      origin.source = SourceKeyOf(scoped.rds_config_source());
      origin.timeout = FetchTimeoutOf(scoped.rds_config_source());
      for (const auto& each :
           scoped.scoped_route_configurations_list().scoped_route_configurations()) {
        origin.written_scopes.push_back(each.SerializeAsString());
      }
      if (scoped.has_scoped_rds()) {
        const auto& source = scoped.scoped_rds().scoped_rds_config_source();
        origin.scopes = ScopeOrigin{SourceKeyOf(source), FetchTimeoutOf(source),
                                    scoped.scoped_rds().srds_resources_locator()};
      }
    } else if (manager.has_route_config()) {
      origin.written =
          std::make_shared<const std::string>(manager.route_config().SerializeAsString());
    }
  }
  return origin;
}

std::optional<HostsOrigin> OriginOfHosts(const std::string& bytes) {
  RouteConfiguration proto;
  if (!proto.ParseFromString(bytes) || !proto.has_vhds()) return std::nullopt;
  HostsOrigin origin;
  origin.source = SourceKeyOf(proto.vhds().config_source());
  origin.timeout = FetchTimeoutOf(proto.vhds().config_source());
  if (proto.has_max_direct_response_body_size_bytes()) {
    origin.max_direct_response_bytes = proto.max_direct_response_body_size_bytes().value();
  }
  return origin;
}

// What routes may hold that other folders compile.
struct RouteParts {
  std::vector<const route::OverrideKind*> overrides;
  route::UpperCompilers upper;
};

RouteParts RoutePartsOf(const downstream::ListenerCompiler& compiler) {
  return {filter::OverridesOf(compiler.filters), downstream::RouteCompilers()};
}

// In a table of its own, with paths from the host on.
std::shared_ptr<const route::RouteTable> CompileHostAlone(const VirtualHost& proto,
                                                          const HostsOrigin& origin,
                                                          const RouteParts& parts,
                                                          config::Errors& errors) {
  constexpr std::string_view kInTable = "virtual_hosts[0]";
  RouteConfiguration routes;
  routes.set_name(proto.name());
  routes.mutable_max_direct_response_body_size_bytes()->set_value(origin.max_direct_response_bytes);
  *routes.add_virtual_hosts() = proto;
  config::Errors found;
  auto table =
      route::CompileRoutesWithTrees(routes, found, config::Path(), parts.overrides, parts.upper);
  if (table != nullptr) downstream::MakeRouteSnapshot(table, found);
  for (const config::Error& error : found.list()) {
    std::string path = error.path;
    if (path.rfind(kInTable, 0) == 0) path.erase(0, kInTable.size());
    if (!path.empty() && path.front() == '.') path.erase(0, 1);
    errors.Add(config::Path(path), error.message);
  }
  return found.ok() ? table : nullptr;
}

void AddHosts(RouteParts parts, FieldPolicy fields, Compilers& compilers) {
  compilers.hosts_origin = [](const std::string& bytes) { return OriginOfHosts(bytes); };
  compilers.host = [fields, parts = std::move(parts)](
                       const std::string& bytes, const HostsOrigin& origin,
                       config::Errors& errors) -> std::shared_ptr<const route::RouteTable> {
    const Parsed<VirtualHost> proto(bytes, Origin::kDiscovery, fields, errors);
    if (!proto) return nullptr;
    return CompileHostAlone(*proto, origin, parts, errors);
  };
}

CompiledListener CompileListener(const downstream::ListenerCompiler& compiler, Listener& listener,
                                 const std::string& bytes, config::Errors& errors) {
  if (listener.name().empty()) listener.set_name(UnnamedListener(bytes));
  downstream::ListenerCompiler::Result result = compiler.Compile(listener, config::Path(), errors);
  CompiledListener compiled;
  if (result.config == nullptr) return compiled;
  compiled.config = std::move(result.config);
  for (const FilterChain* chain : ChainsOf(listener)) {
    compiled.routes.push_back(OriginOf(*chain));
  }
  return compiled;
}

// What a new version of a listener in force shares with that one stays as it is.
CompiledListener CompileNextListener(const downstream::ListenerCompiler& compiler,
                                     Listener& listener, const std::string& bytes,
                                     const ListenerInForce& before, config::Errors& errors) {
  google::protobuf::Arena arena;
  auto& old = *google::protobuf::Arena::CreateMessage<Listener>(&arena);
  if (listener.name().empty() || before.compiled.config->datagrams != nullptr ||
      !old.ParseFromString(before.bytes) || !SameButForChains(old, listener)) {
    return CompileListener(compiler, listener, bytes, errors);
  }
  CompiledListener compiled;
  std::vector<int32_t> kept = KeptChains(old, listener);
  compiled.config =
      compiler.CompileChains(listener, {*before.compiled.config, kept}, config::Path(), errors)
          .config;
  if (compiled.config == nullptr) return CompiledListener();
  const std::vector<const FilterChain*> chains = ChainsOf(listener);
  for (size_t i = 0; i < chains.size(); ++i) {
    compiled.routes.push_back(kept[i] < 0 ? OriginOf(*chains[i])
                                          : before.compiled.routes[static_cast<size_t>(kept[i])]);
  }
  compiled.kept = std::move(kept);
  return compiled;
}

void AddListeners(const downstream::ListenerCompiler& listener_compiler, FieldPolicy fields,
                  Compilers& compilers) {
  compilers.listener = [&listener_compiler, fields](const std::string& bytes, Origin origin,
                                                    config::Errors& errors) {
    const Parsed<Listener> proto(bytes, origin, fields, errors);
    return proto ? CompileListener(listener_compiler, *proto, bytes, errors) : CompiledListener();
  };
  compilers.next_listener = [&listener_compiler, fields](const std::string& bytes,
                                                         const ListenerInForce& before,
                                                         config::Errors& errors) {
    const Parsed<Listener> proto(bytes, Origin::kDiscovery, fields, errors);
    if (!proto) return CompiledListener();
    return CompileNextListener(listener_compiler, *proto, bytes, before, errors);
  };
}

std::optional<tls::Secret> CompileSecret(const SecretProto& proto, config::Errors& errors) {
  std::optional<tls::Secret> secret = tls::CompileSecret(proto, config::Path(), errors);
  if (!secret.has_value()) return std::nullopt;
  const absl::Status proven = tls::Prove(*secret);
  if (proven.ok()) return secret;
  errors.AddLines(config::Path(), proven);
  return std::nullopt;
}

}  // namespace

Compilers MakeCompilers(const downstream::ListenerCompiler& listener_compiler,
                        config::IgnoredFields& ignored, config::UnknownFields unknown,
                        std::shared_ptr<const upstream::LocalZones> local_zones) {
  const FieldPolicy fields{ignored, unknown};
  Compilers compilers;
  compilers.cluster =
      [fields, kinds = listener_compiler.filters, local_zones = std::move(local_zones)](
          const std::string& bytes, Origin origin,
          config::Errors& errors) -> std::shared_ptr<const upstream::ClusterConfig> {
    const Parsed<Cluster> proto(bytes, origin, fields, errors);
    if (!proto) return nullptr;
    return WithUpstreamFilters(*proto, kinds, errors,
                               upstream::CompileCluster(*proto, errors, config::Path(), local_zones,
                                                        upstream::BuiltinClusterKinds()));
  };
  compilers.assignment =
      [fields](const std::string& bytes, Origin origin,
               config::Errors& errors) -> std::shared_ptr<const upstream::Assignment> {
    const Parsed<ClusterLoadAssignment> proto(bytes, origin, fields, errors);
    return proto ? upstream::CompileAssignment(*proto, errors, config::Path()) : nullptr;
  };
  compilers.routes =
      [fields, parts = RoutePartsOf(listener_compiler)](
          const std::string& bytes, Origin origin,
          config::Errors& errors) -> std::shared_ptr<const downstream::RouteSnapshot> {
    const Parsed<RouteConfiguration> proto(bytes, origin, fields, errors);
    if (!proto) return nullptr;
    std::shared_ptr<const route::RouteTable> table =
        route::CompileRoutesWithTrees(*proto, errors, config::Path(), parts.overrides, parts.upper);
    return table == nullptr ? nullptr : downstream::MakeRouteSnapshot(std::move(table), errors);
  };
  AddHosts(RoutePartsOf(listener_compiler), fields, compilers);
  AddListeners(listener_compiler, fields, compilers);
  compilers.secret = [fields](const std::string& bytes, Origin origin,
                              config::Errors& errors) -> std::optional<tls::Secret> {
    const Parsed<SecretProto> proto(bytes, origin, fields, errors);
    return proto ? CompileSecret(*proto, errors) : std::nullopt;
  };
  compilers.scope = [fields](const std::string& bytes,
                             config::Errors& errors) -> std::optional<route::Scope> {
    const Parsed<ScopeProto> proto(bytes, Origin::kDiscovery, fields, errors);
    if (!proto) return std::nullopt;
    if (proto->has_route_configuration()) {
      errors.Add(config::Path("route_configuration"),
                 "is not implemented for scopes by discovery: write route_configuration_name");
    }
    return route::CompileScope(*proto, errors, config::Path());
  };
  compilers.filter = [&listener_compiler, fields](
                         const filter::DiscoveredFilter& place, const std::string& bytes,
                         config::Errors& errors) -> std::shared_ptr<const filter::FilterFactory> {
    const downstream::FilterTools tools{listener_compiler.filters, listener_compiler.log_writer};
    const Parsed<ExtensionProto> proto(bytes, Origin::kDiscovery, fields, errors);
    return proto ? downstream::CompileDiscoveredFilter(*proto, place, tools, errors) : nullptr;
  };
  compilers.runtime_layer = [fields](const std::string& name, const std::string& bytes,
                                     config::Errors& errors) {
    const Parsed<RuntimeProto> proto(bytes, Origin::kDiscovery, fields, errors);
    if (!proto) return std::shared_ptr<const runtime::Layer>();
    const size_t before = errors.count();
    auto layer = runtime::CompileLayer(name, proto->layer(), errors, config::Path("layer"));
    return errors.count() == before ? layer : nullptr;
  };
  return compilers;
}

}  // namespace proxenos::server
