// StatefulSession: requests of a session go to the host that served it before. The client brings
// that host's address along (session_state.h); the router is told by filter state
// (upstream/override_host.h), and the client hears of another host by the response.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <string>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/stateful_session/session_state.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::stateful_session {

// StatefulSession, or StatefulSessionPerRoute.
struct Settings {
  SessionState state;
  bool strict = false;
  bool disabled = false;
};

// Scope: "stateful_session.STAT_PREFIX." below HttpScope. One group a worker.
#define PX_STATEFUL_SESSION_STATS(X) \
  X(Counter, routed)                 \
  X(Counter, failed_open)            \
  X(Counter, failed_closed)          \
  X(Counter, no_session)
PX_STATS(StatefulSessionStats, PX_STATEFUL_SESSION_STATS);

struct StatefulSessionPart final : public filter::WorkerPart {
  stats::Group<StatefulSessionStats> stats;
};

class StatefulSession final : public filter::HttpFilter {
 public:
  // `part` may be null: nothing is counted.
  StatefulSession(const Settings& settings, StatefulSessionPart* part,
                  filter::StreamContext& stream)
      : settings_(settings), part_(part), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  const Settings& settings_;
  StatefulSessionPart* const part_;
  filter::StreamContext& stream_;
  bool covered_ = false;  // The request may have a session.
  std::string address_;   // The one that the request named; empty: none.
};

}  // namespace proxenos::filters::stateful_session
