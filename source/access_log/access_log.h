// AccessLog: one configured log: which requests, in which format, to which file or service.
//
// Owner: the listener or HTTP connection configuration, immutable and shared by all workers.
// Thread: any. Dies before the LogWriter whose sinks it uses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "source/access_log/file_sink.h"
#include "source/access_log/formatter.h"
#include "source/access_log/json_formatter.h"
#include "source/access_log/log_filter.h"
#include "source/access_log/remote_log.h"

namespace proxenos::access_log {

using LineFormat = std::variant<Formatter, JsonFormatter>;

class AccessLog {
 public:
  AccessLog(LogFile file, LineFormat format, std::optional<LogFilter> filter)
      : file_(std::move(file)), format_(std::move(format)), filter_(std::move(filter)) {}
  AccessLog(std::shared_ptr<const RemoteLog> remote, std::optional<LogFilter> filter)
      : remote_(std::move(remote)), filter_(std::move(filter)) {}

  // Writes the line of a finished request, or hands its entry to input.remote, if the filter lets
  // it pass. Never blocks.
  void Log(const FormatInput& input) const;

  // Whether it goes to a service.
  bool is_remote() const { return remote_ != nullptr; }

 private:
  LogFile file_;
  std::shared_ptr<const RemoteLog> remote_;  // Instead of file_ and format_.
  std::optional<LineFormat> format_;
  std::optional<LogFilter> filter_;
};

using AccessLogs = std::vector<AccessLog>;

}  // namespace proxenos::access_log
