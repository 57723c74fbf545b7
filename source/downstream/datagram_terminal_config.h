// DatagramTerminalKinds: the table of filters that listeners of datagrams may name: passed down,
// not registered.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/any.pb.h"
#include "source/access_log/file_sink.h"
#include "source/config/errors.h"
#include "source/downstream/datagram_service.h"

namespace proxenos::downstream {

// What is lent to the compilation of one.
struct DatagramTerminalLent {
  access_log::LogWriter* log_writer;  // Null: validate only, no file is opened.
};

struct DatagramTerminalKind {
  absl::string_view type;  // Full name of the configuration's message type.
  // Null, with every error named, when the configuration is wrong.
  std::unique_ptr<DatagramTerminal> (*create)(const google::protobuf::Any& config,
                                              const DatagramTerminalLent& lent,
                                              const config::Path& path, config::Errors& errors);
};

using DatagramTerminalKinds = absl::Span<const DatagramTerminalKind>;

}  // namespace proxenos::downstream
