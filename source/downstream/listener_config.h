// From envoy.config.listener.v3.Listener, with the connection manager inside it, to ListenerConfig.
// Room 3 of an update (docs/life_of_an_update.md).
//
// Constraints of the protos and fields that are not implemented are checked before (source/config);
// here is what only the meaning tells, every error with its path.
#pragma once

#include <memory>
#include <string>

#include "envoy/config/core/v3/config_source.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "source/access_log/file_sink.h"
#include "source/config/errors.h"
#include "source/downstream/http_config.h"
#include "source/filter/filter_config.h"

namespace proxenos::downstream {

struct ListenerCompiler {
  filter::FilterKinds filters;
  access_log::LogWriter* log_writer;  // Null: validate only, no file is opened.

  struct Result {
    std::shared_ptr<const ListenerConfig> config;  // Null when there were errors.
    // Where routes come from, when by name (config->http->rds_name).
    envoy::config::core::v3::ConfigSource rds_source;
  };
  Result Compile(const envoy::config::listener::v3::Listener& listener, const config::Path& path,
                 config::Errors& errors) const;
};

// A compiled table with its header formats; null when a format is wrong.
std::shared_ptr<const RouteSnapshot> MakeRouteSnapshot(
    std::shared_ptr<const route::RouteTable> table, config::Errors& errors);

}  // namespace proxenos::downstream
