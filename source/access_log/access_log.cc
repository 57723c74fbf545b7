// Logging of one request.
#include "source/access_log/access_log.h"

#include "source/access_log/remote_logs.h"

namespace proxenos::access_log {

void AccessLog::Log(const FormatInput& input) const {
  if (filter_ && !filter_->Passes(input)) return;
  if (remote_ != nullptr) {
    if (input.remote != nullptr) input.remote->Add(remote_, input);
    return;
  }
  thread_local std::string line;  // Keeps its memory: after the first lines nothing is allocated.
  line.clear();
  std::visit([&input](const auto& format) { format.Format(input, line); }, *format_);
  file_->Append(line);
}

}  // namespace proxenos::access_log
