// Tries and pauses.
#include "source/filter/retrying_call.h"

#include <algorithm>
#include <utility>

#include "source/event/event_loop.h"
#include "source/route/action.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filter {
namespace {

// Why the policy could want another try; 0: the answer stands.
uint32_t ReasonsOf(rpc::HttpCall& call) {
  if (call.end() == rpc::HttpCall::End::kFailed) {
    return route::kRetryOn5xx | route::kRetryOnGatewayError | route::kRetryOnReset |
           route::kRetryOnConnectFailure | route::kRetryOnRefusedStream;
  }
  if (call.end() != rpc::HttpCall::End::kAnswer) return 0;
  uint32_t reasons = 0;
  const uint16_t status = call.response().status;
  if (status >= 500) reasons |= route::kRetryOn5xx;
  if (status >= 502 && status <= 504) reasons |= route::kRetryOnGatewayError;
  if (status == 409) reasons |= route::kRetryOnRetriable4xx;
  return reasons;
}

}  // namespace

RetryingCall::RetryingCall(const Environment& environment, const Target& target, Fill fill,
                           absl::AnyInvocable<void()> on_done)
    : environment_(environment),
      target_(target),
      fill_(std::move(fill)),
      on_done_(std::move(on_done)) {}

bool RetryingCall::Start() {
  base::Rc<upstream::WorkerCluster> cluster = environment_.clusters.Find(target_.service.cluster);
  if (!cluster) return false;
  const base::MonoTime now = environment_.loop.now();
  if (tries_++ == 0) began_ = now;
  base::Nanos left = target_.service.timeout;
  if (left > 0) left = std::max(left - (now - began_), base::kMillisecond);
  call_ = std::make_unique<rpc::HttpCall>(std::move(cluster),
                                          rpc::HttpCall::Limits{left, target_.max_body_bytes},
                                          [this] { OnAnswer(); });
  buffer::Buffer body = fill_(*call_);
  call_->Start(std::move(body));
  return true;
}

void RetryingCall::OnAnswer() {
  if (TriesAgain()) return;
  auto tell = std::move(on_done_);
  tell();  // This may be gone now.
}

bool RetryingCall::TriesAgain() {
  if ((ReasonsOf(*call_) & target_.retries.on) == 0 || tries_ > target_.retries.most) return false;
  const base::Nanos pause = std::max(target_.retries.PauseAfter(tries_), base::kMillisecond);
  const base::Nanos used = environment_.loop.now() + pause - began_;
  if (target_.service.timeout > 0 && used >= target_.service.timeout) return false;
  again_.emplace(environment_.loop.timers(), [this] {
    // A cluster that went away meanwhile: the answer that there is stands.
    if (Start()) return;
    auto tell = std::move(on_done_);
    tell();
  });
  again_->ArmIn(pause);
  return true;
}

}  // namespace proxenos::filter
