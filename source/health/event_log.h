// CheckEvents and EjectionEvents: what checks and outlier detection write to their logs:
// data.core.v3.HealthCheckEvent and data.cluster.v3.OutlierDetectionEvent as lines of JSON.
//
// Owner: the Checker, the OutlierDetector. Thread: main.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/access_log/file_sink.h"
#include "source/event/event_loop.h"
#include "source/health/event_line.h"
#include "source/health/probe.h"
#include "source/upstream/cluster.h"
#include "source/upstream/outlier_detection.h"

namespace proxenos::health {

class CheckEvents {
 public:
  // Files that cannot be opened are told of in the process's own log, and left out.
  CheckEvents(event::EventLoop& loop, const upstream::ClusterConfig& config,
              access_log::LogWriter* writer);

  void Eject(const upstream::Host& host, const ProbeResult& result);
  void AddHealthy(const upstream::Host& host, bool first_check);
  void Success(const upstream::Host& host);
  void Failed(const upstream::Host& host, const ProbeResult& result, bool first_check);
  // Has become degraded, or is so no more.
  void Degraded(const upstream::Host& host, bool degraded);

 private:
  EventLine Begin(const upstream::Host& host) const;
  void Write(EventLine& line);

  event::EventLoop& loop_;
  const upstream::ClusterConfig& config_;
  std::vector<access_log::LogFile> logs_;
};

// What an ejection, or its end, was about.
struct EjectionEvent {
  upstream::Ejection kind = upstream::Ejection::kConsecutive5xx;
  bool degraded = false;  // No ejection: the host said that it is degraded. `kind` is not used.
  bool enforced = false;
  uint32_t ejections = 0;  // Of this host so far.
  std::optional<base::Nanos> since_last_action;
  // Of success rates, in percent.
  double host_rate = -1;
  double average_rate = -1;
  double threshold = -1;
};

class EjectionEvents {
 public:
  // cluster_manager.outlier_detection.event_log_path; empty: nothing is written.
  EjectionEvents(event::EventLoop& loop, const std::string& cluster, const std::string& path,
                 access_log::LogWriter* writer);

  void Eject(const upstream::Host& host, const EjectionEvent& event);
  void Return(const upstream::Host& host, const EjectionEvent& event);

 private:
  EventLine Begin(const upstream::Host& host, const EjectionEvent& event) const;

  event::EventLoop& loop_;
  const std::string& cluster_;
  access_log::LogFile log_;  // Empty: none.
};

}  // namespace proxenos::health
