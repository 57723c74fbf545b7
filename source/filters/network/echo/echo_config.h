// From its proto to the echo.
#pragma once

#include <memory>

#include "source/downstream/network_terminal_config.h"

namespace proxenos::filters::echo {

std::unique_ptr<downstream::NetworkTerminal> CreateEcho(const google::protobuf::Any& config,
                                                        const downstream::TerminalLent& lent,
                                                        const config::Path& path,
                                                        config::Errors& errors);

}  // namespace proxenos::filters::echo
