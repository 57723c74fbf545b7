// ResourcePressure: how much of each resource is in use that a monitor of the overload manager
// watches.
//
// Owner: who watches. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/server/cpu_usage.h"
#include "source/server/overload_config.h"

namespace proxenos::server {

// What a cgroup has of memory, from what its files say: usage over the lesser of its own limit and
// `most` (0: there is no such), or 0 without any. Nothing where they cannot be read.
std::optional<double> ContainerMemory(absl::string_view usage, absl::string_view limit,
                                      uint64_t most);

class ResourcePressure {
 public:
  // Files of the kernel are looked for below `root`, "" but in tests.
  explicit ResourcePressure(std::string root)
      : root_(std::move(root)),
        host_(CpuUsage::Of::kHost, root_),
        container_(CpuUsage::Of::kContainer, root_) {}

  // From 0 to 1, or beyond where more is in use than should be; nothing: it cannot be told.
  std::optional<double> Read(const OverloadMonitor& monitor, base::MonoTime now);

 private:
  std::optional<double> ReadContainerMemory(uint64_t most) const;

  const std::string root_;
  CpuUsage host_;
  CpuUsage container_;
};

}  // namespace proxenos::server
