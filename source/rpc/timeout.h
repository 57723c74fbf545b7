// grpc-timeout: how long a call may take, as at most 8 digits and a unit.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"

namespace proxenos::rpc {

// Nullopt when the text breaks the protocol's grammar: then there is no timeout.
std::optional<base::Nanos> ParseTimeout(absl::string_view text);

// In milliseconds where 8 digits suffice, else in the next coarser unit that does, rounded down but
// never to 0 from more. REQUIRES: timeout >= 0.
std::string FormatTimeout(base::Nanos timeout);

}  // namespace proxenos::rpc
