// AccessLog: one configured log: which requests, in which format, to which file.
//
// Owner: the listener or HTTP connection configuration, immutable and shared by all workers.
// Thread: any. Dies before the LogWriter whose sinks it uses.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "source/access_log/file_sink.h"
#include "source/access_log/formatter.h"
#include "source/access_log/json_formatter.h"
#include "source/access_log/log_filter.h"

namespace proxenos::access_log {

using LineFormat = std::variant<Formatter, JsonFormatter>;

class AccessLog {
 public:
  AccessLog(FileSink* sink, LineFormat format, std::optional<LogFilter> filter)
      : sink_(sink), format_(std::move(format)), filter_(std::move(filter)) {}

  // Writes the line of a finished request, if the filter lets it pass. Never blocks.
  void Log(const FormatInput& input) const;

  const FileSink& sink() const { return *sink_; }

 private:
  FileSink* const sink_;
  const LineFormat format_;
  const std::optional<LogFilter> filter_;
};

using AccessLogs = std::vector<AccessLog>;

}  // namespace proxenos::access_log
