// OriginalHosts: the hosts of an ORIGINAL_DST cluster on one worker: made when a request first goes
// to an address, forgotten when none has gone there for a while.
//
// Owner: the WorkerCluster. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host.h"
#include "source/upstream/host_source.h"

namespace proxenos::upstream {

class OriginalHosts final : public HostSource {
 public:
  // Who names addresses by a header must not make us remember without end.
  static constexpr size_t kMaxHosts = 10'000;

  // `forget` is called with the id of each host that goes.
  OriginalHosts(event::EventLoop& loop, const OriginalDstSettings& settings,
                absl::AnyInvocable<void(uint64_t)> forget);

  // Null when nobody knows where to, and when there are too many already.
  const std::shared_ptr<const Host>* Find(const PickRequest& request) override;

 private:
  struct Entry {
    std::shared_ptr<const Host> host;
    bool used = true;  // Since the last cleaning.
  };

  void Clean();

  const OriginalDstSettings& settings_;
  absl::AnyInvocable<void(uint64_t)> forget_;
  absl::flat_hash_map<net::Address, Entry> hosts_;
  event::Timer cleaning_;
};

}  // namespace proxenos::upstream
