// CpuUsage: how much of the processor is in use, of the machine or of the container that the
// process runs in, from 0 to 1. For CpuUtilizationConfig of the overload manager.
//
// Each reading is the share since the last one, and moves what is reported by kWeight of the
// difference, as in Envoy: a busy moment is no overload.
// Owner: who watches. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"

namespace proxenos::server {

// Counts that only grow: the share in use is what `used` grew by, of what `whole` did.
struct CpuCounts {
  double used = 0;
  double whole = 0;
};

// /proc/stat: the first line's user, nice, system and idle. Nothing where it is no such line.
std::optional<CpuCounts> HostCpu(absl::string_view proc_stat);
// cgroup v2's cpu.stat, cpu.max and the number of processors that the group may use, `now` after
// some beginning. Nothing where they cannot be read.
std::optional<CpuCounts> ContainerCpu(absl::string_view cpu_stat, absl::string_view cpu_max,
                                      uint32_t processors, base::MonoTime now);
// cgroup v1's cpuacct.usage and cpu.shares, of which 1024 are a processor.
std::optional<CpuCounts> OldContainerCpu(absl::string_view usage, absl::string_view shares,
                                         base::MonoTime now);
// How many numbers a list such as "0-3,7" names; 0 where it is none.
uint32_t CountProcessors(absl::string_view cpuset);

class CpuUsage {
 public:
  enum class Of : uint8_t { kHost, kContainer };
  static constexpr double kWeight = 0.05;

  // Files are looked for below `root`, "" but in tests.
  CpuUsage(Of of, std::string root) : of_(of), root_(std::move(root)) {}

  // What is in use now; as before where it cannot be read.
  double Read(base::MonoTime now);

 private:
  std::optional<CpuCounts> ReadCounts(base::MonoTime now) const;
  std::string File(absl::string_view path) const;

  const Of of_;
  const std::string root_;
  std::optional<CpuCounts> last_;
  double usage_ = 0;
};

}  // namespace proxenos::server
