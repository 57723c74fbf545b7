// Which of the two, and how they hear of each other.
#include "source/server/cluster_health.h"

#include <utility>

namespace proxenos::server {

ClusterHealth::ClusterHealth(const health::Surroundings& surroundings,
                             std::string outlier_event_log,
                             std::shared_ptr<const upstream::ClusterConfig> config,
                             absl::AnyInvocable<void()> changed)
    : surroundings_(surroundings),
      outlier_event_log_(std::move(outlier_event_log)),
      config_(std::move(config)),
      changed_(std::move(changed)) {}

void ClusterHealth::StartChecks(const Contexts& tls,
                                std::shared_ptr<const upstream::CircuitBreakers> breakers) {
  if (config_->health_check == nullptr || checker_.has_value()) return;
  health::CheckerHooks hooks;
  hooks.changed = [this] { changed_(); };
  hooks.passed = [this](const upstream::Host& host) {
    if (outliers_.has_value()) outliers_->OnCheckPassed(host);
  };
  checker_.emplace(surroundings_, config_, tls, std::move(breakers), std::move(hooks));
}

void ClusterHealth::SetHosts(const upstream::HostSet& hosts) {
  if (checker_.has_value()) checker_->SetHosts(hosts);
  if (outliers_.has_value()) outliers_->SetHosts(hosts);
}

void ClusterHealth::SetTls(size_t socket, std::shared_ptr<const tls::ClientContext> context) {
  if (checker_.has_value()) checker_->SetTls(socket, std::move(context));
}

void ClusterHealth::TakeForce(const upstream::HostSet& hosts) {
  if (config_->outliers != nullptr) {
    outliers_.emplace(surroundings_, config_, outlier_event_log_, [this] { changed_(); });
    outliers_->SetHosts(hosts);
  }
  // What the version before found out, and this one does not look at, must not stay.
  const bool degrades = config_->outliers != nullptr && config_->outliers->detect_degraded;
  for (const upstream::HostEntry& entry : hosts.entries()) {
    const upstream::CheckTarget* target = entry.host->check();
    const bool checked = checker_.has_value() && (target == nullptr || !target->disabled);
    if (!checked) entry.host->ClearHealthBits(upstream::kActiveCheckBits);
    if (!degrades) entry.host->ClearHealthBits(upstream::kDegradedOutlierCheck);
    // Copied while this version warmed, where the host is another object now.
    entry.host->ClearHealthBits(upstream::kFailedOutlierCheck);
  }
  if (checker_.has_value()) checker_->TakeForce();
}

void ClusterHealth::OnReport(uint64_t host_id, upstream::HostReport report) {
  if (report == upstream::HostReport::kImmediateFailure) {
    if (checker_.has_value()) checker_->OnImmediateFailure(host_id);
  } else if (outliers_.has_value()) {
    outliers_->OnReport(host_id, report);
  }
}

}  // namespace proxenos::server
