// From its proto to the TCP proxy.
#pragma once

#include <memory>

#include "source/downstream/network_terminal_config.h"

namespace proxenos::filters::tcp_proxy {

std::unique_ptr<downstream::NetworkTerminal> CreateTcpProxy(const google::protobuf::Any& config,
                                                            const downstream::TerminalLent& lent,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::tcp_proxy
