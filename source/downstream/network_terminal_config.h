// NetworkTerminalKinds: the terminal network filters, besides the HTTP connection manager.
#pragma once

#include "absl/types/span.h"
#include "source/downstream/chain_service.h"
#include "source/downstream/terminal_kind_config.h"

namespace proxenos::downstream {

using NetworkTerminalKind = TerminalKind<NetworkTerminal>;
using NetworkTerminalKinds = absl::Span<const NetworkTerminalKind>;

}  // namespace proxenos::downstream
