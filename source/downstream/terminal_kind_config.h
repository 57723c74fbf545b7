// TerminalKind: a row of a table of terminal filters that configurations may name, of connections
// or of datagrams: passed down, not registered.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "google/protobuf/any.pb.h"
#include "source/access_log/file_sink.h"
#include "source/config/errors.h"

namespace proxenos::downstream {

// What is lent to the compilation of one.
struct TerminalLent {
  access_log::LogWriter* log_writer;  // Null: validate only, no file is opened.
};

template <typename Terminal>
struct TerminalKind {
  absl::string_view type;  // Full name of the configuration's message type.
  // Null, with every error named, when the configuration is wrong.
  std::unique_ptr<Terminal> (*create)(const google::protobuf::Any& config, const TerminalLent& lent,
                                      const config::Path& path, config::Errors& errors);
};

}  // namespace proxenos::downstream
