// JwksSource: the keys of one provider as one worker has them: fetched when they are needed, or
// before, and shared by all requests that wait for them.
//
// Owner: the filter's part of the worker. Thread: the worker's. Outlives the streams that wait.
#pragma once

#include <memory>
#include <optional>

#include "source/base/intrusive_list.h"
#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/filters/http/jwt_authn/settings.h"
#include "source/rpc/http_call.h"
#include "source/stats/counter.h"

namespace proxenos::filters::jwt_authn {

struct KeysTag {};

class JwksSource {
 public:
  // Somebody who waits for the end of a fetch. Its destructor ends the wait.
  class Waiter : public base::ListNode<KeysTag> {
   public:
    virtual ~Waiter() = default;
    // The fetch is over; keys() says whether it succeeded. Only marks.
    virtual void OnKeys() = 0;
  };
  struct Counters {
    stats::Counter& success;
    stats::Counter& failure;
  };

  JwksSource(const RemoteKeys& config, const filter::Environment& environment, Counters counters);

  // Null while there are none that are good.
  const KeySet* keys() const;
  // Grows with each new set: what was verified with an older one is to be verified again.
  uint64_t version() const { return version_; }
  // Starts a fetch unless one is under way, and tells `waiter` of its end.
  void Await(Waiter& waiter);

 private:
  // A page of keys is small; what is larger is something else.
  static constexpr uint64_t kMaxBytes = 1024 * 1024;

  void Fetch();
  void StartCall();
  void OnAnswer();
  void Finish(bool good);

  const RemoteKeys& config_;
  const filter::Environment& environment_;
  const Counters counters_;
  std::shared_ptr<const KeySet> keys_;
  base::MonoTime expires_ = 0;
  uint64_t version_ = 0;
  std::unique_ptr<rpc::HttpCall> call_;
  bool fetching_ = false;  // A call, or the pause before the next try.
  uint32_t tries_ = 0;
  event::Timer again_;  // The next fetch, or the next try.
  base::IntrusiveList<Waiter, KeysTag> waiters_;
};

}  // namespace proxenos::filters::jwt_authn
