// One stream for each host.
#include "source/health/orca_watch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "source/rpc/call.h"
#include "source/rpc/orca_headers.h"
#include "source/rpc/wire.h"

namespace proxenos::health {
namespace {

using upstream::Host;
using upstream::OrcaOutOfBand;

constexpr char kPath[] = "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics";

stats::ScopeName ScopeOf(absl::string_view cluster) {
  static constexpr stats::ScopeShape kShape{
      "cluster.$.lb_orca_oob.", "cluster.lb_orca_oob.", {"envoy.cluster_name"}};
  return stats::ScopeName(kShape, {cluster});
}

// OrcaLoadReportRequest { google.protobuf.Duration report_interval = 1; }
std::string QuestionOf(base::Nanos period) {
  std::string question;
  rpc::WireWriter(question).Message(1, [period](rpc::WireWriter& duration) {
    duration.Number(1, static_cast<uint64_t>(period / base::kSecond));
    duration.Number(2, static_cast<uint64_t>(period % base::kSecond));
  });
  return question;
}

std::shared_ptr<const Host> TargetOf(const OrcaOutOfBand& rules,
                                     const std::shared_ptr<const Host>& host) {
  upstream::HostIdentity identity = host->identity();
  const bool ip = identity.address.port() != 0;  // Pipes have none.
  if (rules.port != 0 && ip) {
    identity.address = identity.address.WithPort(rules.port);
    identity.further = base::Sparse<std::vector<net::Address>>();
  }
  if (rules.transport_match.has_value()) identity.transport_match = *rules.transport_match;
  return std::make_shared<const Host>(host->id(), std::move(identity));
}

std::string AuthorityOf(const OrcaOutOfBand& rules, const Host& target) {
  if (!rules.authority.empty()) return rules.authority;
  return target.hostname().empty() ? target.address().ToString() : target.hostname();
}

}  // namespace

// Owner: the watch.
class OrcaWatch::Session {
 public:
  Session(OrcaWatch& watch, const std::shared_ptr<const Host>& host)
      : watch_(watch),
        target_(TargetOf(watch.rules(), host)),
        timer_(watch.loop_.timers(), [this] { OnTimer(); }) {
    watch.stats_->active_sessions.Inc();
    // Not all hosts at the same moment.
    const base::Nanos most = std::min(watch.rules().period, base::kSecond);
    timer_.ArmIn(
        static_cast<base::Nanos>(watch.loop_.random().Below(static_cast<uint64_t>(most) + 1)));
  }
  ~Session() {
    if (active_) watch_.stats_->active_sessions.Dec();
    call_.reset();
    watch_.cluster_.get()->ForgetHost(target_->id());
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  void OnTimer() {
    if (call_ == nullptr) return Ask();
    paused_ = false;
    Read();
  }

  void Ask() {
    rpc::CallOptions options;
    options.path = kPath;
    options.authority = AuthorityOf(watch_.rules(), *target_);
    options.metadata.emplace_back("user-agent", "Envoy/orca-oob");
    options.max_message_bytes = rpc::kMaxOrcaBytes;
    options.host = target_;
    paused_ = false;
    call_ = std::make_unique<rpc::Call>(watch_.cluster_.get(), options, [this] { Read(); });
    call_->Send(QuestionOf(watch_.rules().period));
    call_->CloseSend();
  }

  void Read() {
    if (paused_) return;
    if (const std::optional<buffer::Buffer> message = call_->Receive()) {
      const auto report = rpc::ReadOrcaMessage(message->ToString());
      if (!report.has_value()) {
        watch_.stats_->report_errors.Inc();
        return End();
      }
      watch_.stats_->reports_received.Inc();
      back_off_ = kFirstBackOff;
      watch_.Take(target_->id(), *report);
      paused_ = true;
      timer_.ArmIn(kPause);
    } else if (call_->done()) {
      End();
    }
  }

  // Of the stream; another one follows, unless the host does not know what it is asked.
  void End() {
    const bool unknown = call_->done() && call_->status() == rpc::Status::kUnimplemented;
    call_.reset();
    if (unknown) {
      watch_.stats_->stream_terminated.Inc();
      watch_.stats_->active_sessions.Dec();
      active_ = false;
      return;
    }
    watch_.stats_->stream_failures.Inc();
    const base::Nanos longest = std::exchange(back_off_, std::min(back_off_ * 2, kLongestBackOff));
    timer_.ArmIn(longest / 2 + static_cast<base::Nanos>(watch_.loop_.random().Below(
                                   static_cast<uint64_t>(longest / 2))));
  }

  OrcaWatch& watch_;
  const std::shared_ptr<const Host> target_;
  event::Timer timer_;               // Of the next try, or of a pause.
  std::unique_ptr<rpc::Call> call_;  // Null: between two tries.
  base::Nanos back_off_ = kFirstBackOff;
  bool paused_ = false;
  bool active_ = true;  // Its host may know the service.
};

OrcaWatch::OrcaWatch(event::EventLoop& loop, stats::Registry& registry,
                     std::shared_ptr<const upstream::ClusterConfig> config,
                     std::vector<std::shared_ptr<const tls::ClientContext>> tls,
                     const upstream::LoadMetrics* metrics)
    : loop_(loop),
      config_(std::move(config)),
      sums_(metrics == nullptr || config_->orca->reported.empty() ? nullptr : metrics->AddPart()),
      cluster_(loop, *config_, std::move(tls), CheckCluster::Use::kCalls),
      stats_(registry.Open<OrcaWatchStats>(ScopeOf(config_->stat_name()))) {}

OrcaWatch::~OrcaWatch() = default;

bool OrcaWatch::Wanted(const upstream::ClusterConfig& config) {
  return config.orca != nullptr && config.orca->weighting.has_value() &&
         config.orca->weighting->out_of_band != nullptr;
}

void OrcaWatch::SetHosts(const upstream::HostSet& hosts) {
  absl::flat_hash_set<uint64_t> present;
  present.reserve(hosts.size());
  for (const upstream::HostEntry& entry : hosts.entries()) {
    const uint64_t id = entry.host->id();
    present.insert(id);
    auto& session = sessions_[id];
    if (session == nullptr) session = std::make_unique<Session>(*this, entry.host);
  }
  absl::erase_if(sessions_, [&present](const auto& each) { return !present.contains(each.first); });
  rules().weights->Keep(hosts);
}

void OrcaWatch::Take(uint64_t host, const upstream::OrcaReport& report) {
  const std::optional<double> weight = weighting().WeightOf(report);
  if (weight.has_value()) rules().weights->Set(host, *weight, loop_.now());
  if (sums_ == nullptr) return;
  for (const upstream::OrcaMetric& metric : config_->orca->reported) {
    if (!metric.of_request()) metric.AddTo(*sums_, host, report);
  }
}

}  // namespace proxenos::health
