// LocalReplyConfig to its compiled form.
#pragma once

#include <memory>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/errors.h"
#include "source/downstream/local_reply.h"

namespace proxenos::downstream {

std::shared_ptr<const LocalReplies> CompileLocalReplies(
    const envoy::extensions::filters::network::http_connection_manager::v3::LocalReplyConfig& proto,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::downstream
