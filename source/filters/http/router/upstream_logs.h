// UpstreamLogs: the access logs of attempts (Router.upstream_log): an entry for each try at a host,
// where those of the connection manager have one for each request.
//
// Owner: UpstreamLogs: the RouterConfig, immutable. AttemptLog: the attempt; made only where there
// are logs. Thread: AttemptLog: the worker's.
#pragma once

#include <cstdint>
#include <optional>

#include "source/access_log/access_log.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/router/hedging.h"

namespace proxenos::filters::router {

struct UpstreamLogs {
  access_log::AccessLogs logs;
  bool at_begin = false;     // Also when the attempt has its connection.
  base::Nanos interval = 0;  // And so often while it lasts; 0: not.
};

class AttemptLog {
 public:
  // The attempt begins. Both outlive it.
  AttemptLog(const UpstreamLogs& logs, const Router::Attempt& attempt,
             filter::StreamContext& stream);

  void OnConnected();
  // The attempt's response, as it came.
  void OnHead(const http::ResponseHead& head);
  void OnEnd();

  uint32_t flags = 0;  // ResponseFlag bits of the attempt.

 private:
  void Write(access_log::LogType type);
  filter::StreamInfo Describe() const;

  const UpstreamLogs& logs_;
  const Router::Attempt& attempt_;
  filter::StreamContext& stream_;
  const base::MonoTime begin_;
  const base::WallTime begin_wall_;
  const uint32_t number_;                     // 1 for the first attempt.
  std::optional<HostFacts> host_;             // Once it is connected.
  const http::ResponseHead* head_ = nullptr;  // In the stream's arena.
  base::MonoTime connected_at_ = 0;
  base::MonoTime head_at_ = 0;
  std::optional<event::Timer> interval_;
};

}  // namespace proxenos::filters::router
