// From the type of an input of connections or datagrams to a NetworkInput.
#pragma once

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "source/config/errors.h"
#include "source/match/network_input.h"
#include "source/match/tree_config.h"
#include "xds/core/v3/extension.pb.h"

namespace proxenos::match {

// Its place in `inputs`, at the end if need be: the InputCompiler of trees that know `known` alone.
std::optional<CompiledInput> AddNetworkInput(const ::xds::core::v3::TypedExtensionConfig& proto,
                                             absl::Span<const NetworkInput> known,
                                             const config::Path& path, config::Errors& errors,
                                             std::vector<NetworkInput>& inputs);

}  // namespace proxenos::match
