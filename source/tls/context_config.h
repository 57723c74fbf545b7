// From TransportSocket to a TLS template: DownstreamTlsContext and UpstreamTlsContext with all that
// is inside them. Room 3 of an update (docs/life_of_an_update.md).
//
// Constraints of the protos and fields that are not implemented are checked before (source/config).
// What is written inline is proven here (a key that is not its certificate's is an error of the
// listener or cluster); secrets that are named prove themselves when they come.
#pragma once

#include <memory>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "source/config/errors.h"
#include "source/tls/context_template.h"

namespace proxenos::tls {

// The transport socket of a filter chain. Null for plain text (raw_buffer, or none at all), and
// null with errors at `path` (the place of the TransportSocket). `name` is what logs call it.
std::shared_ptr<const ServerTemplate> CompileDownstreamTransport(
    const envoy::config::core::v3::TransportSocket& socket, const std::string& name,
    const config::Path& path, config::Errors& errors);

// The same of a cluster. A wrapper around another transport socket is the caller's to unwrap.
std::shared_ptr<const ClientTemplate> CompileUpstreamTransport(
    const envoy::config::core::v3::TransportSocket& socket, const std::string& name,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::tls
