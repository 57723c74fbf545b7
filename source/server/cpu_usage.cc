// The kernel's files, and the shares they tell of.
#include "source/server/cpu_usage.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "source/server/small_file.h"

namespace proxenos::server {
namespace {

std::optional<double> Number(absl::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(absl::StripAsciiWhitespace(text), &value) || !(value >= 0)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<CpuCounts> HostCpu(absl::string_view proc_stat) {
  absl::string_view line = proc_stat.substr(0, proc_stat.find('\n'));
  if (!absl::ConsumePrefix(&line, "cpu ")) return std::nullopt;
  const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  if (words.size() < 4) return std::nullopt;
  CpuCounts counts;
  for (size_t i = 0; i < 4; ++i) {
    const std::optional<double> ticks = Number(words[i]);
    if (!ticks.has_value()) return std::nullopt;
    if (i < 3) counts.used += *ticks;  // The fourth is idle.
    counts.whole += *ticks;
  }
  return counts;
}

std::optional<CpuCounts> ContainerCpu(absl::string_view cpu_stat, absl::string_view cpu_max,
                                      uint32_t processors, base::MonoTime now) {
  std::optional<double> used;
  for (absl::string_view line : absl::StrSplit(cpu_stat, '\n')) {
    if (absl::ConsumePrefix(&line, "usage_usec ")) used = Number(line);
  }
  const std::vector<absl::string_view> limit =
      absl::StrSplit(absl::StripAsciiWhitespace(cpu_max), ' ');
  double most = processors;
  if (limit.size() == 2 && limit[0] != "max") {
    const std::optional<double> quota = Number(limit[0]);
    const std::optional<double> period = Number(limit[1]);
    if (!quota.has_value() || period.value_or(0) == 0) return std::nullopt;
    most = std::min(most, *quota / *period);
  }
  if (!used.has_value() || most <= 0) return std::nullopt;
  return CpuCounts{*used, static_cast<double>(now / base::kMicrosecond) * most};
}

std::optional<CpuCounts> OldContainerCpu(absl::string_view usage, absl::string_view shares,
                                         base::MonoTime now) {
  const std::optional<double> used = Number(usage);
  const std::optional<double> most = Number(shares);
  if (!used.has_value() || most.value_or(0) == 0) return std::nullopt;
  return CpuCounts{*used, static_cast<double>(now) * *most / 1024};
}

uint32_t CountProcessors(absl::string_view cpuset) {
  uint64_t count = 0;
  for (const absl::string_view range : absl::StrSplit(absl::StripAsciiWhitespace(cpuset), ',')) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    uint32_t first = 0, last = 0;
    if (!absl::SimpleAtoi(ends.first, &first)) return 0;
    last = first;
    if (!ends.second.empty() && !absl::SimpleAtoi(ends.second, &last)) return 0;
    if (last < first) return 0;
    count += uint64_t{last} - first + 1;
  }
  return static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX));
}

std::string CpuUsage::File(absl::string_view path) const {
  return ReadSmallFile(absl::StrCat(root_, path));
}

std::optional<CpuCounts> CpuUsage::ReadCounts(base::MonoTime now) const {
  if (of_ == Of::kHost) return HostCpu(File("/proc/stat"));
  const std::string stat = File("/sys/fs/cgroup/cpu.stat");
  if (stat.empty()) {
    return OldContainerCpu(File("/sys/fs/cgroup/cpuacct/cpuacct.usage"),
                           File("/sys/fs/cgroup/cpu/cpu.shares"), now);
  }
  return ContainerCpu(stat, File("/sys/fs/cgroup/cpu.max"),
                      CountProcessors(File("/sys/fs/cgroup/cpuset.cpus.effective")), now);
}

double CpuUsage::Read(base::MonoTime now) {
  const std::optional<CpuCounts> counts = ReadCounts(now);
  if (!counts.has_value()) return usage_;
  if (last_.has_value() && counts->whole > last_->whole) {
    const double share = (counts->used - last_->used) / (counts->whole - last_->whole);
    usage_ += (std::clamp(share, 0.0, 1.0) - usage_) * kWeight;
  }
  last_ = counts;
  return usage_;
}

}  // namespace proxenos::server
