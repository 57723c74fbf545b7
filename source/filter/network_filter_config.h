// NetworkFilterKinds: the table of network filters that configurations may name: passed down, not
// registered.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/network_filter.h"

namespace proxenos::filter {

struct NetworkFilterKind {
  absl::string_view type;  // Full name of the configuration's message type.
  // Null, with every error named, when the configuration is wrong.
  std::unique_ptr<NetworkFilterFactory> (*create)(const google::protobuf::Any& config,
                                                  const config::Path& path, config::Errors& errors);
};

using NetworkFilterKinds = absl::Span<const NetworkFilterKind>;

}  // namespace proxenos::filter
