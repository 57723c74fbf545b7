// The life of each name: ask, wait, ask again.
#include "source/upstream/dns_cluster.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/base/log.h"

namespace proxenos::upstream {

// One name and what is known of it. Owner: the DnsCluster. Dies when: it does; cancels its query.
class DnsCluster::Name {
 public:
  Name(DnsCluster& cluster, std::string name)
      : cluster_(cluster),
        name_(std::move(name)),
        refresh_(cluster.loop_.timers(), [this] { Ask(); }),
        next_failure_wait_(cluster.config_->dns->failure_refresh_base) {}

  void Ask() {
    ++cluster_.counts_.attempts;
    query_ = cluster_.resolver_->Resolve(
        name_, settings().family, [this](net::DnsAnswer answer) { OnAnswer(std::move(answer)); });
  }

  // STRICT_DNS: sorted, since servers rotate them; LOGICAL_DNS: in the order of the answer, no more
  // than a host may have.
  const std::vector<net::Address>& addresses() const { return addresses_; }

 private:
  const DnsSettings& settings() const { return *cluster_.config_->dns; }
  bool logical() const { return cluster_.config_->discovery == DiscoveryKind::kLogicalDns; }

  void OnAnswer(net::DnsAnswer answer) {
    query_ = nullptr;
    const bool first = !std::exchange(known_, true);
    bool changed = false;
    if (answer.status == net::DnsStatus::kOk) {
      changed = Take(std::move(answer.addresses));
      next_failure_wait_ = settings().failure_refresh_base;
      refresh_.ArmIn(SuccessWait(answer.ttl));
    } else {
      ++cluster_.counts_.failures;
      PX_LOG(kDns, kWarn, "cluster ", cluster_.config_->name, ": cannot resolve ", name_, ": ",
             answer.error);
      refresh_.ArmIn(FailureWait());
    }
    cluster_.OnNameDone(first, !addresses_.empty(), changed);
  }

  // Returns whether anything has changed.
  bool Take(std::vector<net::Address> addresses) {
    ++cluster_.counts_.successes;
    if (addresses.empty()) {
      ++cluster_.counts_.empty;
      PX_LOG(kDns, kWarn, "cluster ", cluster_.config_->name, ": ", name_, " has no addresses");
    }
    if (logical()) {
      // One host: connections try its addresses in turn.
      addresses.resize(std::min<size_t>(addresses.size(), 1 + kMaxFurtherAddresses));
    } else {
      std::sort(
          addresses.begin(), addresses.end(),
          [](const net::Address& a, const net::Address& b) { return a.ToString() < b.ToString(); });
    }
    if (addresses == addresses_) {
      ++cluster_.counts_.unchanged;
      return false;
    }
    addresses_ = std::move(addresses);
    return true;
  }

  base::Nanos SuccessWait(base::Nanos ttl) {
    const base::Nanos wait = settings().respect_ttl && ttl != base::kNever
                                 ? std::max(ttl, settings().min_refresh_rate)
                                 : settings().refresh_rate;
    return wait + RandomPart(settings().jitter);
  }

  // A fixed wait, or one that doubles and is drawn from its upper half, so that proxies which lost
  // the server at the same time do not come back at the same time.
  base::Nanos FailureWait() {
    const base::Nanos longest = settings().failure_refresh_max;
    const base::Nanos wait = std::min(next_failure_wait_, longest);
    next_failure_wait_ = wait > longest / 2 ? longest : wait * 2;
    if (settings().failure_refresh_base == longest) return wait + RandomPart(settings().jitter);
    return wait / 2 + RandomPart(wait / 2 + 1);
  }

  base::Nanos RandomPart(base::Nanos below) {
    if (below <= 0) return 0;
    return static_cast<base::Nanos>(cluster_.loop_.random().Below(static_cast<uint64_t>(below)));
  }

  DnsCluster& cluster_;
  const std::string name_;
  event::Timer refresh_;

  std::unique_ptr<net::DnsQuery> query_;  // Null while waiting to ask again.
  std::vector<net::Address> addresses_;   // Of the last answer; port 0.
  bool known_ = false;                    // Answered or failed at least once.
  base::Nanos next_failure_wait_;
};

DnsCluster::DnsCluster(event::EventLoop& loop, std::unique_ptr<net::DnsResolver> resolver,
                       std::shared_ptr<const ClusterConfig> config, OnAssignment on_assignment)
    : loop_(loop),
      resolver_(std::move(resolver)),
      config_(std::move(config)),
      on_assignment_(std::move(on_assignment)),
      nothing_to_resolve_(loop.timers(), [this] {
        warmed_ = true;
        Report();
      }) {
  CHECK(config_->dns != nullptr && config_->assignment != nullptr);
  for (const LocalityEndpoints& locality : config_->assignment->localities) {
    for (const Endpoint& endpoint : locality.endpoints) {
      if (endpoint.dns_name.empty()) continue;
      auto& name = names_[endpoint.dns_name];
      if (name == nullptr) name = std::make_unique<Name>(*this, endpoint.dns_name);
    }
  }
  unanswered_ = names_.size();
}

DnsCluster::~DnsCluster() = default;

void DnsCluster::Start() {
  if (names_.empty()) nothing_to_resolve_.ArmIn(0);
  for (auto& [text, name] : names_) name->Ask();
}

void DnsCluster::OnNameDone(bool first, bool has_addresses, bool changed) {
  if (first) --unanswered_;
  const bool warm = has_addresses || unanswered_ == 0;
  const bool ends_warming = !warmed_ && warm;
  warmed_ = warmed_ || warm;
  if (ends_warming || (warmed_ && changed)) Report();
}

void DnsCluster::Report() { on_assignment_(Resolved()); }

const DnsCluster::Name& DnsCluster::NameOf(const std::string& dns_name) const {
  const auto it = names_.find(dns_name);
  CHECK(it != names_.end());
  return *it->second;
}

void DnsCluster::AddResolved(const Endpoint& endpoint, std::vector<Endpoint>& out) const {
  if (endpoint.dns_name.empty()) {
    out.push_back(endpoint);
    return;
  }
  const std::vector<net::Address>& addresses = NameOf(endpoint.dns_name).addresses();
  if (config_->discovery == DiscoveryKind::kLogicalDns) return AddLogical(endpoint, addresses, out);
  for (const net::Address& address : addresses) {
    Endpoint resolved = endpoint;
    resolved.dns_name.clear();
    resolved.dns_port = 0;
    resolved.address = address.WithPort(endpoint.dns_port);
    out.push_back(std::move(resolved));
  }
}

void DnsCluster::AddLogical(const Endpoint& endpoint, const std::vector<net::Address>& addresses,
                            std::vector<Endpoint>& out) {
  if (addresses.empty()) return;
  Endpoint resolved = endpoint;
  resolved.dns_name.clear();
  resolved.dns_port = 0;
  resolved.address = addresses.front().WithPort(endpoint.dns_port);
  for (size_t i = 1; i < addresses.size(); ++i) {
    resolved.further.Mutable().push_back(addresses[i].WithPort(endpoint.dns_port));
  }
  out.push_back(std::move(resolved));
}

std::shared_ptr<const Assignment> DnsCluster::Resolved() const {
  Assignment result;
  result.overprovisioning_percent = config_->assignment->overprovisioning_percent;
  result.drop_overload = config_->assignment->drop_overload;
  result.weighted_health = config_->assignment->weighted_health;
  for (const LocalityEndpoints& locality : config_->assignment->localities) {
    LocalityEndpoints resolved;
    resolved.locality = locality.locality;
    resolved.weight = locality.weight;
    resolved.priority = locality.priority;
    for (const Endpoint& endpoint : locality.endpoints) {
      AddResolved(endpoint, resolved.endpoints);
    }
    result.localities.push_back(std::move(resolved));
  }
  return std::make_shared<const Assignment>(std::move(result));
}

}  // namespace proxenos::upstream
