// Filling the gauges.
#include "source/admin/process_stats.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/numbers.h"
#include "source/admin/certificate_expiry.h"
#include "source/admin/process_memory.h"

namespace proxenos::admin {
namespace {

// Envoy's `server.version`: the first six digits of the commit, as a number.
uint64_t VersionNumber(absl::string_view version) {
  uint32_t number = 0;
  if (!absl::SimpleHexAtoi(version.substr(0, version.find('/')).substr(0, 6), &number)) return 0;
  return number;
}

}  // namespace

ProcessStats::ProcessStats(AdminSource& source)
    : source_(source),
      stats_(source.registry.Open<stats::ServerStats>(stats::ScopeName(stats::kServerScope, {}))),
      hook_(source.registry.BeforeRead([this] { Refresh(); })) {
  stats_->concurrency.Set(source.concurrency);
  stats_->hot_restart_epoch.Set(source.command_line_options.restart_epoch());
  const auto& bootstrap = source.bootstrap;
  stats_->version.Set(bootstrap.has_stats_server_version_override()
                          ? bootstrap.stats_server_version_override().value()
                          : VersionNumber(source.version));
}

void ProcessStats::Refresh() {
  const base::Nanos uptime = source_.clock.Mono() - source_.started;
  stats_->uptime.Set(static_cast<uint64_t>(uptime / base::kSecond));
  const auto state = source_.state();
  stats_->state.Set(static_cast<uint64_t>(state));
  stats_->live.Set(state == envoy::admin::v3::ServerInfo::LIVE ? 1 : 0);
  // Without hot restart there is no parent whose connections would count too.
  stats_->total_connections.Set(source_.connection_count());
  const ProcessMemory memory = ReadProcessMemory();
  stats_->memory_allocated.Set(memory.allocated);
  stats_->memory_heap_size.Set(memory.heap_size);
  stats_->memory_physical_size.Set(memory.physical);
  stats_->days_until_first_cert_expiring.Set(DaysUntilFirstExpiry());
}

uint64_t ProcessStats::DaysUntilFirstExpiry() {
  // Without any certificate, what Envoy shows then.
  uint64_t days = std::numeric_limits<uint32_t>::max();
  const int64_t now_s = source_.clock.Wall() / 1'000'000;
  const auto look = [&days, now_s](const CertificatesView& view) {
    for (const auto& each : view.chain) days = std::min(days, DaysUntil(each.expires_s, now_s));
    for (const auto& each : view.roots) days = std::min(days, DaysUntil(each.expires_s, now_s));
  };
  if (source_.for_each_tls_context != nullptr) source_.for_each_tls_context(look);
  return days;
}

}  // namespace proxenos::admin
