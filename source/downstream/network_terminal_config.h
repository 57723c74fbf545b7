// NetworkTerminalKinds: the table of terminal network filters that configurations may name, besides
// the HTTP connection manager: passed down, not registered.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/any.pb.h"
#include "source/access_log/file_sink.h"
#include "source/config/errors.h"
#include "source/downstream/chain_service.h"

namespace proxenos::downstream {

// What is lent to the compilation of one.
struct NetworkTerminalLent {
  access_log::LogWriter* log_writer;  // Null: validate only, no file is opened.
};

struct NetworkTerminalKind {
  absl::string_view type;  // Full name of the configuration's message type.
  // Null, with every error named, when the configuration is wrong.
  std::unique_ptr<NetworkTerminal> (*create)(const google::protobuf::Any& config,
                                             const NetworkTerminalLent& lent,
                                             const config::Path& path, config::Errors& errors);
};

using NetworkTerminalKinds = absl::Span<const NetworkTerminalKind>;

}  // namespace proxenos::downstream
