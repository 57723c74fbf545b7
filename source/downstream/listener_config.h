// From envoy.config.listener.v3.Listener, with the connection manager inside it, to ListenerConfig.
// Room 3 of an update (docs/life_of_an_update.md).
//
// Constraints of the protos and fields that are not implemented are checked before (source/config);
// here is what only the meaning tells, every error with its path.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/types/span.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "source/access_log/file_sink.h"
#include "source/config/errors.h"
#include "source/downstream/datagram_terminal_config.h"
#include "source/downstream/http_config.h"
#include "source/downstream/network_terminal_config.h"
#include "source/filter/filter_config.h"
#include "source/filter/listener_filter_config.h"
#include "source/filter/network_filter_config.h"

namespace proxenos::tracing {
struct Provider;
}

namespace proxenos::downstream {

// The tables of network filters: those before the terminal one, and terminal ones other than the
// HTTP connection manager; and of what takes datagrams.
struct NetworkKinds {
  filter::NetworkFilterKinds filters;
  NetworkTerminalKinds terminals;
  DatagramTerminalKinds datagrams = {};
};

struct ListenerCompiler {
  explicit ListenerCompiler(filter::FilterKinds http_kinds, access_log::LogWriter* writer = nullptr,
                            filter::ListenerFilterKinds listener_kinds = {},
                            NetworkKinds network_kinds = {})
      : filters(http_kinds),
        listener_filters(listener_kinds),
        network(network_kinds),
        log_writer(writer) {}

  filter::FilterKinds filters;
  filter::ListenerFilterKinds listener_filters;
  NetworkKinds network;
  access_log::LogWriter* log_writer;  // Null: validate only, no file is opened.
  // Bootstrap.tracing, for connection managers that name no tracer; null: there is none.
  std::shared_ptr<const tracing::Provider> tracer;

  struct Result {
    std::shared_ptr<const ListenerConfig> config;  // Null when there were errors.
  };
  Result Compile(const envoy::config::listener::v3::Listener& listener, const config::Path& path,
                 config::Errors& errors) const;

  // A version that differs from the one before in filter chains alone. `kept` says of each chain
  // which of before.chains it is, or -1: only the latter are compiled.
  struct Predecessor {
    const ListenerConfig& config;
    absl::Span<const int32_t> kept;
  };
  Result CompileChains(const envoy::config::listener::v3::Listener& listener,
                       const Predecessor& before, const config::Path& path,
                       config::Errors& errors) const;
};

// A compiled table with its header formats; null when a format is wrong.
std::shared_ptr<const RouteSnapshot> MakeRouteSnapshot(
    std::shared_ptr<const route::RouteTable> table, config::Errors& errors);

}  // namespace proxenos::downstream
