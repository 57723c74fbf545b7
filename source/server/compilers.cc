// Parse, check, compile; the proto dies here.
#include "source/server/compilers.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/config_source.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/constraints.h"
#include "source/config/typed_config.h"
#include "source/downstream/listener_config.h"
#include "source/route/route_config.h"
#include "source/upstream/cluster_config.h"

namespace proxenos::server {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::config::core::v3::ConfigSource;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::listener::v3::Listener;
using envoy::config::route::v3::RouteConfiguration;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

struct FieldPolicy {
  config::IgnoredFields& ignored;
  config::UnknownFields unknown;
};

// The message of a resource, checked as a whole; nullopt with errors.
template <typename Message>
std::optional<Message> Read(const std::string& bytes, Origin origin, FieldPolicy fields,
                            config::Errors& errors) {
  Message message;
  if (!message.ParseFromString(bytes)) {
    errors.Add(config::Path(), absl::StrCat("is not a valid ", Message::descriptor()->full_name()));
    return std::nullopt;
  }
  if (origin == Origin::kBootstrap) return message;
  const size_t before = errors.count();
  config::CheckConstraints(message, errors);
  config::CheckFields(message, errors, fields.ignored, {}, fields.unknown);
  if (errors.count() != before) return std::nullopt;
  return message;
}

SourceKey SourceKeyOf(const ConfigSource& source) {
  return source.has_ads() || source.has_self() ? SourceKey() : source.SerializeAsString();
}

base::Nanos FetchTimeoutOf(const ConfigSource& source) {
  if (!source.has_initial_fetch_timeout()) return 15 * base::kSecond;
  return source.initial_fetch_timeout().seconds() * base::kSecond +
         source.initial_fetch_timeout().nanos();
}

// The routes inside of the listener's connection manager, if it has any.
std::shared_ptr<const std::string> InlineRoutesOf(const Listener& listener) {
  const auto& chain = listener.filter_chains().empty() ? listener.default_filter_chain()
                                                       : listener.filter_chains(0);
  for (const auto& filter : chain.filters()) {
    HttpConnectionManager manager;
    config::Errors ignored;
    if (!config::UnpackTypedConfigTo(filter.typed_config(), manager, config::Path(), ignored)) {
      continue;
    }
    if (!manager.has_route_config()) continue;
    return std::make_shared<const std::string>(manager.route_config().SerializeAsString());
  }
  return nullptr;
}

CompiledListener CompileListener(const downstream::ListenerCompiler& compiler, Listener listener,
                                 const std::string& bytes, config::Errors& errors) {
  if (listener.name().empty()) listener.set_name(UnnamedListener(bytes));
  downstream::ListenerCompiler::Result result = compiler.Compile(listener, config::Path(), errors);
  CompiledListener compiled;
  if (result.config == nullptr) return compiled;
  compiled.config = std::move(result.config);
  compiled.rds_source = SourceKeyOf(result.rds_source);
  compiled.rds_timeout = FetchTimeoutOf(result.rds_source);
  compiled.inline_routes = InlineRoutesOf(listener);
  return compiled;
}

}  // namespace

Compilers MakeCompilers(const downstream::ListenerCompiler& listener_compiler,
                        config::IgnoredFields& ignored, config::UnknownFields unknown) {
  const FieldPolicy fields{ignored, unknown};
  Compilers compilers;
  compilers.cluster =
      [fields](const std::string& bytes, Origin origin,
               config::Errors& errors) -> std::shared_ptr<const upstream::ClusterConfig> {
    const auto proto = Read<Cluster>(bytes, origin, fields, errors);
    auto compiled = proto ? upstream::CompileCluster(*proto, errors, config::Path()) : nullptr;
    if (compiled != nullptr && compiled->http2 && origin == Origin::kDiscovery) {
      // A static one may be where envoy_grpc finds the control plane; no other use is possible.
      errors.Add(config::Path("typed_extension_protocol_options"),
                 "HTTP/2 to an upstream is not implemented by proxenos; use HTTP/1.1");
      return nullptr;
    }
    return compiled;
  };
  compilers.assignment =
      [fields](const std::string& bytes, Origin origin,
               config::Errors& errors) -> std::shared_ptr<const upstream::Assignment> {
    const auto proto = Read<ClusterLoadAssignment>(bytes, origin, fields, errors);
    return proto ? upstream::CompileAssignment(*proto, errors, config::Path()) : nullptr;
  };
  compilers.routes =
      [fields, overrides = filter::OverridesOf(listener_compiler.filters)](
          const std::string& bytes, Origin origin,
          config::Errors& errors) -> std::shared_ptr<const downstream::RouteSnapshot> {
    const auto proto = Read<RouteConfiguration>(bytes, origin, fields, errors);
    if (!proto) return nullptr;
    std::shared_ptr<const route::RouteTable> table =
        route::CompileRoutes(*proto, errors, config::Path(), overrides);
    return table == nullptr ? nullptr : downstream::MakeRouteSnapshot(std::move(table), errors);
  };
  compilers.listener = [&listener_compiler, fields](const std::string& bytes, Origin origin,
                                                    config::Errors& errors) {
    auto proto = Read<Listener>(bytes, origin, fields, errors);
    return proto ? CompileListener(listener_compiler, *std::move(proto), bytes, errors)
                 : CompiledListener();
  };
  return compilers;
}

}  // namespace proxenos::server
