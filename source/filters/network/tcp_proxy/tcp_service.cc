// Clusters by weight, and access logs.
#include "source/filters/network/tcp_proxy/tcp_service.h"

#include <algorithm>
#include <utility>

#include "source/downstream/listener.h"
#include "source/filters/network/tcp_proxy/tcp_connection.h"
#include "source/stats/scope.h"

namespace proxenos::filters::tcp_proxy {

using downstream::Arrival;

std::unique_ptr<downstream::ChainService> TcpProxy::MakeService(
    downstream::ChainService::Parts parts) const {
  return std::make_unique<TcpService>(std::move(parts), config_);
}

TcpService::TcpService(Parts parts, const TcpProxyConfig& config)
    : ChainService(std::move(parts)),
      config_(config),
      stats_(parts.registry.Open<stats::TcpStats>(stats::TcpScope(config.stat_prefix))) {
  if (config.checks_drain) {
    drain_stats_ = parts.registry.Open<TcpDrainStats>(stats::TcpScope(config.stat_prefix));
  }
  if (!config.on_demand.has_value()) return;
  demand_stats_ = parts.registry.Open<TcpDemandStats>(stats::TcpScope(config.stat_prefix));
}

std::unique_ptr<downstream::Connection> TcpService::Begin(Arrival arrival) {
  stats_->downstream_cx_total.Inc();
  return std::make_unique<TcpConnection>(*this, std::move(arrival));
}

void TcpService::OnRefused(const Arrival& arrival, const filter::NetworkFilter::Verdict& verdict) {
  stats_->downstream_cx_total.Inc();
  filter::StreamInfo info;
  Describe(arrival, info);
  NoteRefusal(verdict, info);
  Log(info, access_log::LogType::kTcpConnectionEnd);
}

void TcpService::NoteRefusal(const filter::NetworkFilter::Verdict& verdict,
                             filter::StreamInfo& info) {
  info.flags |= verdict.flags;
  // A service's refusal shows where those of requests do, as in Envoy.
  if ((verdict.flags & filter::kUnauthorizedExternalService) != 0) {
    info.details = verdict.details;
  } else {
    info.connection_termination_details = verdict.details;
  }
}

absl::string_view TcpService::Draw() {
  size_t chosen = 0;
  if (config_.clusters.size() > 1) {
    const uint64_t drawn = listener().loop().random().Below(config_.weights.back());
    const auto after = std::upper_bound(config_.weights.begin(), config_.weights.end(), drawn);
    chosen = static_cast<size_t>(after - config_.weights.begin());
  }
  return config_.clusters[chosen];
}

const route::MetadataMatch* TcpService::SubsetOf(absl::string_view cluster) const {
  if (config_.subsets.empty()) return nullptr;
  const auto found = std::find(config_.clusters.begin(), config_.clusters.end(), cluster);
  // Of one that the connection names by itself what the proxy says of its only one.
  const auto at = found == config_.clusters.end() ? 0 : found - config_.clusters.begin();
  return config_.subsets[static_cast<size_t>(at)].get();
}

void TcpService::Describe(const Arrival& arrival, filter::StreamInfo& info) {
  downstream::DescribeConnection(arrival.info, info);
  info.remote = arrival.info.remote();
  info.start = arrival.info.begin;
  const base::Nanos since = listener().loop().now() - arrival.info.begin;
  info.start_wall = listener().loop().wall_now() - since / base::kMicrosecond;
  info.filter_chain_name = chain().name;
}

void TcpService::Log(filter::StreamInfo& info, access_log::LogType type) {
  if (config_.access_logs.empty()) return;
  info.complete = listener().loop().ReadClock();
  access_log::FormatInput input;
  input.stream = &info;
  input.remote = listener().environment().remote_logs;
  input.type = type;
  for (const access_log::AccessLog& log : config_.access_logs) log.Log(input);
}

}  // namespace proxenos::filters::tcp_proxy
