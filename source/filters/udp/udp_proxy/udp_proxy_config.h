// From its proto to the UDP proxy.
#pragma once

#include <memory>

#include "source/downstream/datagram_terminal_config.h"

namespace proxenos::filters::udp_proxy {

std::unique_ptr<downstream::DatagramTerminal> CreateUdpProxy(const google::protobuf::Any& config,
                                                             const downstream::TerminalLent& lent,
                                                             const config::Path& path,
                                                             config::Errors& errors);

}  // namespace proxenos::filters::udp_proxy
