// DatagramTerminalKinds: the filters that take the datagrams of a listener.
#pragma once

#include "absl/types/span.h"
#include "source/downstream/datagram_service.h"
#include "source/downstream/terminal_kind_config.h"

namespace proxenos::downstream {

using DatagramTerminalKind = TerminalKind<DatagramTerminal>;
using DatagramTerminalKinds = absl::Span<const DatagramTerminalKind>;

}  // namespace proxenos::downstream
