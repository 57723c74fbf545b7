// Specifiers in, findings out.
#include "source/server/health_delegate.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/upstream/duration_config.h"

namespace proxenos::server {
namespace {

using envoy::service::health::v3::Capability;
using envoy::service::health::v3::ClusterHealthCheck;
using envoy::service::health::v3::HealthCheckRequestOrEndpointHealthResponse;
using envoy::service::health::v3::HealthCheckSpecifier;

constexpr char kMethod[] = "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck";

// Between two reports. They take longer the more endpoints they tell of.
constexpr base::Nanos kMinReportInterval = 100 * base::kMillisecond;
constexpr base::Nanos kMaxReportInterval = 24 * 3600 * base::kSecond;
constexpr base::Nanos kReportIntervalPerEndpoint = 20 * base::kMicrosecond;

xds::ServiceStreamOptions WithMethod(xds::ServiceStreamOptions options) {
  options.method = kMethod;
  return options;
}

base::Nanos IntervalOf(const HealthCheckSpecifier& specifier, config::Errors& errors) {
  if (!specifier.has_interval()) return base::kSecond;
  return upstream::CompileDuration(specifier.interval(), errors, config::Path("interval"));
}

}  // namespace

absl::StatusOr<std::vector<Delegation>> CompileDelegations(const HealthCheckSpecifier& specifier,
                                                           const DelegationLimits& limits,
                                                           config::IgnoredFields& ignored) {
  config::Errors errors;
  const config::Path path("cluster_health_checks");
  IntervalOf(specifier, errors);
  size_t probes = 0;
  for (const ClusterHealthCheck& each : specifier.cluster_health_checks()) {
    probes += CountProbes(each);
  }
  const auto clusters = static_cast<size_t>(specifier.cluster_health_checks_size());
  if (clusters > limits.clusters || probes > limits.probes) {
    errors.Add(path,
               absl::StrCat("ask for ", probes, " checks in ", clusters, " clusters: at most ",
                            limits.probes, " in ", limits.clusters, " are made"));
    return errors.ToStatus();
  }
  const base::Nanos least_interval =
      std::max(limits.least_interval, static_cast<base::Nanos>(probes) * limits.interval_per_probe);
  std::vector<Delegation> delegations;
  absl::flat_hash_set<absl::string_view> names;
  for (int i = 0; i < specifier.cluster_health_checks_size(); ++i) {
    const ClusterHealthCheck& proto = specifier.cluster_health_checks(i);
    if (!names.insert(proto.cluster_name()).second) {
      errors.AddValue(path.Index(i).Field("cluster_name"), proto.cluster_name(),
                      "a name that no other has");
      continue;
    }
    delegations.push_back(CompileDelegation(proto, least_interval, path.Index(i), errors, ignored));
  }
  if (!errors.ok()) return errors.ToStatus();
  return delegations;
}

HealthDelegate::HealthDelegate(const health::Surroundings& surroundings,
                               const envoy::config::core::v3::Node& node,
                               xds::ServiceStreamOptions options, config::IgnoredFields& ignored)
    : surroundings_(surroundings),
      node_(node),
      ignored_(ignored),
      stats_(surroundings.registry.Open<stats::HdsDelegateStats>(
          stats::ScopeName(stats::kHdsDelegateScope, {}))),
      report_timer_(surroundings.loop.timers(), [this] { Report(); }),
      stream_(surroundings.loop, WithMethod(std::move(options)),
              {[this] { OnOpened(); }, [this](const std::string& message) { OnMessage(message); },
               [this](const absl::Status&) { OnLost(); }}) {}

void HealthDelegate::OnOpened() {
  HealthCheckRequestOrEndpointHealthResponse message;
  auto& request = *message.mutable_health_check_request();
  *request.mutable_node() = node_;
  // There is no word for gRPC, which is checked all the same where it is asked for.
  request.mutable_capability()->add_health_check_protocols(Capability::HTTP);
  request.mutable_capability()->add_health_check_protocols(Capability::TCP);
  stream_.Send(message);
  stats_->responses.Inc();
}

void HealthDelegate::OnMessage(const std::string& message) {
  stats_->requests.Inc();
  if (taken_ != message) {
    const absl::Status status = Take(message);
    if (!status.ok()) {
      stats_->errors.Inc();
      PX_LOG(kConfig, kWarn, "hds: refused a HealthCheckSpecifier: ",
             absl::string_view(status.message()).substr(0, 2000));
      return;
    }
    taken_ = message;
    stats_->updates.Inc();
  } else if (report_timer_.armed()) {
    return;  // What is in force, asked for again.
  }
  report_timer_.ArmIn(interval_);
}

absl::Status HealthDelegate::Take(const std::string& message) {
  HealthCheckSpecifier specifier;
  if (!specifier.ParseFromString(message)) {
    return absl::DataLossError("what came is not a HealthCheckSpecifier");
  }
  absl::StatusOr<std::vector<Delegation>> delegations =
      CompileDelegations(specifier, DelegationLimits(), ignored_);
  if (!delegations.ok()) return delegations.status();
  Apply(*std::move(delegations));
  config::Errors errors;  // None: it was looked at before.
  const base::Nanos least = std::max(
      kMinReportInterval, static_cast<base::Nanos>(endpoint_count_) * kReportIntervalPerEndpoint);
  interval_ = std::max(std::min(IntervalOf(specifier, errors), kMaxReportInterval), least);
  return absl::OkStatus();
}

void HealthDelegate::Apply(std::vector<Delegation> delegations) {
  absl::flat_hash_set<std::string> present;
  endpoint_count_ = 0;
  for (Delegation& delegation : delegations) {
    const std::string& name = delegation.proto.cluster_name();
    present.insert(name);
    endpoint_count_ += delegation.endpoint_count;
    clusters_.try_emplace(name, surroundings_).first->second.Update(std::move(delegation));
  }
  for (auto it = clusters_.begin(); it != clusters_.end();) {
    it = present.contains(it->first) ? std::next(it) : clusters_.erase(it);
  }
}

void HealthDelegate::OnLost() {
  stats_->errors.Inc();
  report_timer_.Disarm();  // The next stream begins with what its service wants.
}

void HealthDelegate::Report() {
  if (stream_.ready()) {
    HealthCheckRequestOrEndpointHealthResponse message;
    auto& response = *message.mutable_endpoint_health_response();
    for (const auto& [name, cluster] : clusters_) cluster.Fill(response);
    stream_.Send(message);
    stats_->responses.Inc();
  }
  report_timer_.ArmIn(interval_);
}

}  // namespace proxenos::server
