// RemoteLog: a configured log whose entries go to a service instead of a file: what an entry looks
// like, what a message around entries looks like, and where messages go.
//
// Owner: the AccessLogs that name it, shared by all workers. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/access_log/value.h"
#include "source/base/clock.h"
#include "source/filter/environment.h"
#include "source/rpc/courier.h"
#include "source/stats/scope.h"

namespace proxenos::access_log {

// Texts of messages must be UTF-8: of bytes that are none each becomes '?'.
void AppendUtf8Text(absl::string_view bytes, std::string& out);

class RemoteLog {
 public:
  virtual ~RemoteLog() = default;

  // Appends the entry of a finished request or connection, as a field of what Wrap goes around.
  virtual void AppendEntry(const FormatInput& input, base::WallTime now,
                           std::string& out) const = 0;
  // The message with these entries. `node` may be null.
  virtual std::string Wrap(absl::string_view entries, const filter::LocalNode* node) const = 0;
  virtual stats::ScopeName StatScope() const = 0;

  rpc::CourierRoute route;
  base::Nanos flush_interval = base::kSecond;  // > 0
  uint32_t buffer_bytes = 16'384;              // Of entries, once they go at once.
};

}  // namespace proxenos::access_log
