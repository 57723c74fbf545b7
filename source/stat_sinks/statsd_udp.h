// StatsdUdpSink: lines of statsd's protocol as datagrams, to an IP address or a Unix socket.
//
// Limits: a few dozen datagrams are gathered for one system call; what the kernel has no room for,
// or nobody listens for, is dropped and counted, to the end of the interval.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/net/address.h"
#include "source/net/socket.h"
#include "source/stat_sinks/stat_sink.h"
#include "source/stat_sinks/statsd_lines.h"
#include "source/stats/registry.h"
#include "source/stats/sink_stats.h"

namespace proxenos::stat_sinks {

struct StatsdUdpConfig {
  net::Address address;
  StatsdForm form = StatsdForm::kPlain;
  std::string prefix;
  // Lines share a datagram up to this size; 0: each has its own. At most kMaxDatagramBytes.
  uint64_t max_datagram_bytes = 0;
};

inline constexpr uint64_t kMaxDatagramBytes = 65507;  // What UDP over IPv4 carries.

// Owner, thread, end: of StatSink.
class StatsdUdpSink final : public StatSink {
 public:
  StatsdUdpSink(StatsdUdpConfig config, const stats::StatView& view, stats::Registry& registry);

  void Flush(absl::Span<const stats::ScopeReading> readings, base::WallTime now) override;

 private:
  struct Datagram {
    std::string bytes;
    uint32_t lines = 0;
  };

  void AddLine(absl::string_view line);
  // Sends what was gathered, or drops it.
  void SendGathered();

  const StatsdUdpConfig config_;
  StatsdLines lines_;
  stats::Group<stats::StatsdStats> stats_;
  net::UniqueFd socket_;
  std::vector<Datagram> gathered_;  // The first `count_`; the others keep their room.
  size_t count_ = 0;
  bool closed_ = false;  // For the rest of the interval: nothing gets through.
};

}  // namespace proxenos::stat_sinks
