// The allocator's word, the kernel's files, and files that somebody writes.
#include "source/server/resource_pressure.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/admin/process_memory.h"
#include "source/server/small_file.h"

namespace proxenos::server {
namespace {

// InjectedResourceConfig: a number from 0 to 1.
std::optional<double> ReadInjected(const std::string& path) {
  const std::string text = ReadSmallFile(path);
  double pressure = 0;
  if (!absl::SimpleAtod(absl::StripAsciiWhitespace(text), &pressure)) return std::nullopt;
  if (!(pressure >= 0 && pressure <= 1)) return std::nullopt;
  return pressure;
}

}  // namespace

std::optional<double> ContainerMemory(absl::string_view usage, absl::string_view limit,
                                      uint64_t most) {
  uint64_t used = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(usage), &used)) return std::nullopt;
  limit = absl::StripAsciiWhitespace(limit);
  uint64_t whole = UINT64_MAX;
  // Version 2 writes "max" where there is none; version 1 -1, or a number beyond all memory.
  if (limit != "max" && limit != "-1" && !absl::SimpleAtoi(limit, &whole)) return std::nullopt;
  if (most != 0) whole = std::min(whole, most);
  if (whole == UINT64_MAX) return 0;
  return whole == 0 ? 1 : static_cast<double>(used) / static_cast<double>(whole);
}

std::optional<double> ResourcePressure::ReadContainerMemory(uint64_t most) const {
  const std::string usage = ReadSmallFile(absl::StrCat(root_, "/sys/fs/cgroup/memory.current"));
  if (usage.empty()) {
    const std::string old = absl::StrCat(root_, "/sys/fs/cgroup/memory/memory.");
    return ContainerMemory(ReadSmallFile(absl::StrCat(old, "usage_in_bytes")),
                           ReadSmallFile(absl::StrCat(old, "limit_in_bytes")), most);
  }
  return ContainerMemory(usage, ReadSmallFile(absl::StrCat(root_, "/sys/fs/cgroup/memory.max")),
                         most);
}

std::optional<double> ResourcePressure::Read(const OverloadMonitor& monitor, base::MonoTime now) {
  switch (monitor.kind) {
    case OverloadMonitor::Kind::kHeap:
      return static_cast<double>(admin::HeapBytesInUse()) / static_cast<double>(monitor.most_bytes);
    case OverloadMonitor::Kind::kHostCpu:
      return host_.Read(now);
    case OverloadMonitor::Kind::kContainerCpu:
      return container_.Read(now);
    case OverloadMonitor::Kind::kContainerMemory:
      return ReadContainerMemory(monitor.most_bytes);
    case OverloadMonitor::Kind::kFile:
      return ReadInjected(monitor.file);
  }
  return std::nullopt;
}

}  // namespace proxenos::server
