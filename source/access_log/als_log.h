// AlsLog: entries for the API's own access log service (envoy.service.accesslog.v3): of requests
// (HttpGrpcAccessLogConfig) or of connections (TcpGrpcAccessLogConfig), compiled.
//
// Each message is a stream of its own, which begins with the identifier as the service asks for:
// so nothing is lost unnoticed between messages, and a service that went away is found again.
// Thread: any (immutable once it is made).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/access_log/remote_log.h"

namespace proxenos::access_log {

class AlsLog final : public RemoteLog {
 public:
  enum class Of : uint8_t { kRequests, kConnections };

  void AppendEntry(const FormatInput& input, base::WallTime now, std::string& out) const override;
  std::string Wrap(absl::string_view entries, const filter::LocalNode* node) const override;
  stats::ScopeName StatScope() const override;

  Of of = Of::kRequests;
  std::string log_name;
  std::vector<std::string> request_headers;  // Lower case.
  std::vector<std::string> response_headers;
  std::vector<std::string> response_trailers;
  std::vector<std::string> filter_state;
};

}  // namespace proxenos::access_log
