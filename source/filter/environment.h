// Environment: what a worker lends to its streams and to what filters keep on it.
#pragma once

#include <string>

#include "source/json/value.h"

namespace proxenos::access_log {
class RemoteLogs;
}
namespace proxenos::base {
struct Overload;
}
namespace proxenos::event {
class EventLoop;
}
namespace proxenos::runtime {
class Snapshot;
}
namespace proxenos::upstream {
class ClusterMap;
}

namespace proxenos::filter {

class OnDemand;

// Who this proxy is: core.v3.Node of the bootstrap. Thread: any (immutable).
struct LocalNode {
  std::string id;
  std::string cluster;
  json::Object metadata;
  std::string zone = {};  // Of its locality.
};

// Outlives whoever it is lent to. Thread: the worker's.
struct Environment {
  event::EventLoop& loop;
  upstream::ClusterMap& clusters;
  bool failing_health = false;      // By /healthcheck/fail of the admin interface.
  const LocalNode* node = nullptr;  // Null where nobody needs it (tests).
  // Another one after each change; null before the first.
  const runtime::Snapshot* runtime = nullptr;
  // Sends log entries to the services that collect them; null where there are none (tests).
  access_log::RemoteLogs* remote_logs = nullptr;
  // What may be asked for in the middle of a request; null: nothing.
  OnDemand* on_demand = nullptr;
  // What the overload manager asks for; null: nobody watches.
  const base::Overload* overload = nullptr;
};

}  // namespace proxenos::filter
