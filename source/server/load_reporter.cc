// Who speaks when.
#include "source/server/load_reporter.h"

#include <utility>

namespace proxenos::server {
namespace {

using envoy::service::load_stats::v3::LoadStatsRequest;
using envoy::service::load_stats::v3::LoadStatsResponse;

constexpr char kMethod[] = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";
// Else the service has to name the clusters.
constexpr char kSendAllFeature[] = "envoy.lrs.supports_send_all_clusters";

envoy::config::core::v3::Node WithFeature(envoy::config::core::v3::Node node) {
  node.add_client_features(kSendAllFeature);
  return node;
}

xds::ServiceStreamOptions WithMethod(xds::ServiceStreamOptions options) {
  options.method = kMethod;
  return options;
}

}  // namespace

LoadReporter::LoadReporter(event::EventLoop& loop, stats::Registry& registry,
                           const envoy::config::core::v3::Node& node,
                           xds::ServiceStreamOptions options, LoadedClusters clusters)
    : loop_(loop),
      node_(WithFeature(node)),
      stats_(
          registry.Open<stats::LoadReporterStats>(stats::ScopeName(stats::kLoadReporterScope, {}))),
      report_(std::move(clusters)),
      report_timer_(loop.timers(), [this] { Report(); }),
      stream_(loop, WithMethod(std::move(options)),
              {[this] { OnOpened(); }, [this](const std::string& message) { OnMessage(message); },
               [this](const absl::Status& status) { OnLost(status); }}) {}

void LoadReporter::OnOpened() {
  if (std::exchange(opened_before_, true)) stats_->retries.Inc();
  LoadStatsRequest request;
  *request.mutable_node() = node_;
  stream_.Send(request);
  stats_->responses.Inc();
}

void LoadReporter::OnMessage(const std::string& message) {
  stats_->requests.Inc();
  LoadStatsResponse wanted;
  if (!wanted.ParseFromString(message)) {
    return stream_.Fail(absl::DataLossError("what came is not a LoadStatsResponse"));
  }
  const absl::Status status = report_.Ask(wanted, loop_.now());
  if (!status.ok()) return stream_.Fail(status);
  report_timer_.ArmIn(report_.interval());
}

void LoadReporter::OnLost(const absl::Status& status) {
  if (!status.ok()) stats_->errors.Inc();
  report_timer_.Disarm();  // The next stream begins with what its service wants.
}

void LoadReporter::Report() {
  // The counts wait where they are while the one before is still on its way.
  if (stream_.ready()) {
    LoadStatsRequest request;
    *request.mutable_node() = node_;
    report_.Fill(loop_.now(), request);
    stream_.Send(request);
    stats_->responses.Inc();
  }
  report_timer_.ArmIn(report_.interval());
}

}  // namespace proxenos::server
