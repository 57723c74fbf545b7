// WorkerDemands: the streams of one worker that wait for discovery, by what they wait for. The main
// thread is asked once for each thing, however many wait for it.
//
// Owner: the Worker. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/filter/on_demand.h"
#include "source/server/demand.h"

namespace proxenos::server {

// Streams that may wait on one worker at a time, and things that they may wait for. A client that
// makes up names costs no more than this.
inline constexpr uint32_t kMaxWaitingStreams = 1024;

class WorkerDemands final : public filter::OnDemand {
 public:
  // Takes a demand to the main thread, which answers it in any case.
  using Send = absl::AnyInvocable<void(Demand)>;
  // Before any stream. Without it nothing can be asked for.
  void SetSend(Send send) { send_ = std::move(send); }

  bool AskHost(absl::string_view routes, absl::string_view authority, Waiter& waiter) override;
  bool AskCluster(const std::string& source, absl::string_view name, Waiter& waiter) override;
  void OnAnswer(const DemandAnswer& answer);

 private:
  bool Ask(Demand demand, Waiter& waiter);

  Send send_;
  uint32_t waiting_ = 0;  // Before the lists of those who count in it.
  absl::flat_hash_map<Demand, std::unique_ptr<WaiterList>> pending_;
};

}  // namespace proxenos::server
