// From its proto to the fixed response.
#pragma once

#include <memory>

#include "source/downstream/network_terminal_config.h"

namespace proxenos::filters::direct_response {

std::unique_ptr<downstream::NetworkTerminal> CreateDirectResponse(
    const google::protobuf::Any& config, const downstream::TerminalLent& lent,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::direct_response
