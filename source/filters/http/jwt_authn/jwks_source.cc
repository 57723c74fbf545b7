// Fetching of key sets.
#include "source/filters/http/jwt_authn/jwks_source.h"

#include <algorithm>
#include <utility>

#include "source/event/event_loop.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::filters::jwt_authn {
namespace {

// A set that is fetched ahead is fetched so long before it is too old.
constexpr base::Nanos kAhead = 5 * base::kSecond;

}  // namespace

JwksSource::JwksSource(const RemoteKeys& config, const filter::Environment& environment,
                       Counters counters)
    : config_(config),
      environment_(environment),
      counters_(counters),
      again_(environment.loop.timers(), [this] { fetching_ ? StartCall() : Fetch(); }) {
  if (config.async) Fetch();
}

const KeySet* JwksSource::keys() const {
  // Those that are renewed by themselves stay good until they are.
  if (keys_ == nullptr || (!config_.async && environment_.loop.now() >= expires_)) return nullptr;
  return keys_.get();
}

void JwksSource::Await(Waiter& waiter) {
  waiters_.PushBack(&waiter);
  if (!fetching_) Fetch();
}

void JwksSource::Fetch() {
  fetching_ = true;
  tries_ = 0;
  again_.Disarm();
  StartCall();
}

void JwksSource::StartCall() {
  ++tries_;
  base::Rc<upstream::WorkerCluster> cluster = environment_.clusters.Find(config_.service.cluster);
  if (!cluster) {
    // Whoever waits must not be told before Await returns.
    again_.ArmIn(base::kMillisecond);
    if (tries_ > config_.retries + 1) Finish(false);
    return;
  }
  call_ = std::make_unique<rpc::HttpCall>(std::move(cluster),
                                          rpc::HttpCall::Limits{config_.service.timeout, kMaxBytes},
                                          [this] { OnAnswer(); });
  http::RequestHead& head = call_->request();
  head.path = config_.service.path;
  head.authority = config_.service.authority;
  call_->Start(buffer::Buffer());
}

void JwksSource::OnAnswer() {
  std::unique_ptr<rpc::HttpCall> call = std::move(call_);
  if (call->end() == rpc::HttpCall::End::kAnswer && call->response().status == 200) {
    Failure failure;
    auto keys = KeySet::Parse(call->body().ToString(), &failure);
    if (keys != nullptr) {
      keys_ = std::move(keys);
      ++version_;
      expires_ = environment_.loop.now() + config_.cache_duration;
      return Finish(true);
    }
  }
  if (tries_ > config_.retries) return Finish(false);
  base::Nanos pause = config_.back_off;
  for (uint32_t i = 1; i < tries_ && pause < config_.back_off_max; ++i) pause *= 2;
  again_.ArmIn(std::max<base::Nanos>(std::min(pause, config_.back_off_max), base::kMillisecond));
}

void JwksSource::Finish(bool good) {
  fetching_ = false;
  (good ? counters_.success : counters_.failure).Inc();
  again_.Disarm();
  if (config_.async) {
    const base::Nanos ahead = config_.cache_duration > 2 * kAhead ? kAhead : 0;
    again_.ArmIn(std::max(good ? config_.cache_duration - ahead : config_.failed_refetch,
                          base::kMillisecond));
  }
  while (Waiter* waiter = waiters_.PopFront()) waiter->OnKeys();
}

}  // namespace proxenos::filters::jwt_authn
