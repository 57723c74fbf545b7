// Which clients a question about client status is after: ClientStatusRequest.node_matchers.
#pragma once

#include <optional>

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/service/status/v3/csds.pb.h"
#include "source/config/errors.h"

namespace proxenos::admin {

// Whether `asked` is about `node`: one matcher is enough, all parts of it must match, and without
// matchers every node is meant. Nothing, and errors, when a matcher is not well made; each is
// looked at, also behind one that matches.
std::optional<bool> AsksFor(const envoy::service::status::v3::ClientStatusRequest& asked,
                            const envoy::config::core::v3::Node& node, config::Errors& errors);

}  // namespace proxenos::admin
