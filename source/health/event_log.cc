// The fields of the events, by the names of their messages.
#include "source/health/event_log.h"

#include "source/base/log.h"

namespace proxenos::health {
namespace {

using upstream::Ejection;
using upstream::HealthCheck;
using upstream::Host;

absl::string_view NameOf(HealthCheck::Kind kind) {
  switch (kind) {
    case HealthCheck::Kind::kHttp:
      return "HTTP";
    case HealthCheck::Kind::kTcp:
      return "TCP";
    case HealthCheck::Kind::kRedis:
      return "REDIS";
    case HealthCheck::Kind::kGrpc:
      break;
  }
  return "GRPC";
}

absl::string_view NameOf(Failure failure) {
  switch (failure) {
    case Failure::kActive:
      return "ACTIVE";
    case Failure::kPassive:
      return "PASSIVE";
    case Failure::kNetwork:
      return "NETWORK";
    case Failure::kNetworkTimeout:
      break;
  }
  return "NETWORK_TIMEOUT";
}

absl::string_view NameOf(Ejection kind) {
  static constexpr absl::string_view kNames[upstream::kEjections] = {
      "CONSECUTIVE_5XX",
      "CONSECUTIVE_GATEWAY_FAILURE",
      "SUCCESS_RATE",
      "CONSECUTIVE_LOCAL_ORIGIN_FAILURE",
      "SUCCESS_RATE_LOCAL_ORIGIN",
      "FAILURE_PERCENTAGE",
      "FAILURE_PERCENTAGE_LOCAL_ORIGIN",
  };
  return kNames[static_cast<size_t>(kind)];
}

access_log::LogFile Open(access_log::LogWriter* writer, const std::string& path) {
  if (writer == nullptr || path.empty()) return {};
  auto sink = writer->Open(path);
  if (sink.ok()) return *std::move(sink);
  PX_LOG(kUpstream, kWarn, "event log '", path, "': ", sink.status().message());
  return {};
}

// Percents of the events are whole numbers.
uint64_t Whole(double percent) { return percent < 0 ? 0 : static_cast<uint64_t>(percent); }

}  // namespace

CheckEvents::CheckEvents(event::EventLoop& loop, const upstream::ClusterConfig& config,
                         access_log::LogWriter* writer)
    : loop_(loop), config_(config) {
  for (const std::string& path : config.health_check->event_log_paths) {
    access_log::LogFile log = Open(writer, path);
    if (log.get() != nullptr) logs_.push_back(std::move(log));
  }
}

EventLine CheckEvents::Begin(const Host& host) const {
  EventLine line;
  line.Text("health_checker_type", NameOf(config_.health_check->kind));
  line.Address("host", host.address()).Text("cluster_name", config_.name);
  return line;
}

void CheckEvents::Write(EventLine& line) {
  line.Time("timestamp", loop_.wall_now());
  const std::string text = line.Finish();
  for (const access_log::LogFile& log : logs_) log->Append(text);
}

void CheckEvents::Eject(const Host& host, const ProbeResult& result) {
  if (logs_.empty()) return;
  EventLine line = Begin(host);
  line.Open("eject_unhealthy_event").Text("failure_type", NameOf(result.failure));
  line.Number("http_status_code", result.http_status).Close();
  Write(line);
}

void CheckEvents::AddHealthy(const Host& host, bool first_check) {
  if (logs_.empty()) return;
  EventLine line = Begin(host);
  line.Open("add_healthy_event").Flag("first_check", first_check).Close();
  Write(line);
}

void CheckEvents::Success(const Host& host) {
  if (logs_.empty()) return;
  EventLine line = Begin(host);
  line.Open("successful_health_check_event").Close();
  Write(line);
}

void CheckEvents::Failed(const Host& host, const ProbeResult& result, bool first_check) {
  if (logs_.empty()) return;
  EventLine line = Begin(host);
  line.Open("health_check_failure_event").Text("failure_type", NameOf(result.failure));
  line.Flag("first_check", first_check).Number("http_status_code", result.http_status).Close();
  Write(line);
}

void CheckEvents::Degraded(const Host& host, bool degraded) {
  if (logs_.empty()) return;
  EventLine line = Begin(host);
  line.Open(degraded ? "degraded_healthy_host" : "no_longer_degraded_host").Close();
  Write(line);
}

EjectionEvents::EjectionEvents(event::EventLoop& loop, const std::string& cluster,
                               const std::string& path, access_log::LogWriter* writer)
    : loop_(loop), cluster_(cluster), log_(Open(writer, path)) {}

EventLine EjectionEvents::Begin(const Host& host, const EjectionEvent& event) const {
  EventLine line;
  line.Text("type", event.degraded ? "DEGRADED" : NameOf(event.kind));
  line.Time("timestamp", loop_.wall_now());
  if (event.since_last_action.has_value()) {
    // A 64-bit number is a string in protobuf's JSON.
    line.Text("secs_since_last_action", std::to_string(*event.since_last_action / base::kSecond));
  }
  line.Text("cluster_name", cluster_).Text("upstream_url", host.address().ToString());
  return line;
}

void EjectionEvents::Eject(const Host& host, const EjectionEvent& event) {
  if (log_.get() == nullptr) return;
  EventLine line = Begin(host, event);
  line.Text("action", "EJECT").Number("num_ejections", event.ejections);
  line.Flag("enforced", event.enforced);
  switch (event.kind) {
    case Ejection::kSuccessRate:
    case Ejection::kSuccessRateLocalOrigin:
      line.Open("eject_success_rate_event").Number("host_success_rate", Whole(event.host_rate));
      line.Number("cluster_average_success_rate", Whole(event.average_rate));
      line.Number("cluster_success_rate_ejection_threshold", Whole(event.threshold)).Close();
      break;
    case Ejection::kFailurePercentage:
    case Ejection::kFailurePercentageLocalOrigin:
      line.Open("eject_failure_percentage_event");
      line.Number("host_success_rate", Whole(event.host_rate)).Close();
      break;
    default:
      line.Open("eject_consecutive_event").Close();
  }
  log_->Append(line.Finish());
}

void EjectionEvents::Return(const Host& host, const EjectionEvent& event) {
  if (log_.get() == nullptr) return;
  EventLine line = Begin(host, event);
  line.Text("action", "UNEJECT").Number("num_ejections", event.ejections);
  line.Flag("enforced", false);
  log_->Append(line.Finish());
}

}  // namespace proxenos::health
