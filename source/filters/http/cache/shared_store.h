// SharedStore: one worker's way to the store in Redis that a fleet shares, below the one in memory:
// looks up, saves, tells of what is purged. SharedLoad is one look-up for one stream.
//
// Nobody waits for longer than two commands may take, one after the other, and nobody at all while
// Redis is away or the log of purges is not known: then nothing is found there and nothing kept.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/base/rc.h"
#include "source/cache/fill.h"
#include "source/cache/shared_format.h"
#include "source/cache/stores.h"
#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/filters/http/cache/purge_follower.h"
#include "source/redis/client.h"
#include "source/stats/registry.h"

namespace proxenos::filters::cache {

// Scope: "cache.NAME.redis.", with those of redis::ClientStats. One group a worker.
#define PX_SHARED_STATS(X) \
  X(Counter, hit)          \
  X(Counter, miss)         \
  X(Counter, unavailable)  \
  X(Counter, corrupt)      \
  X(Counter, purged)       \
  X(Counter, saved)        \
  X(Counter, not_saved)    \
  X(Counter, purge_published)
PX_STATS(SharedStats, PX_SHARED_STATS);

// Owner: the parts of filters that use the same store on the same worker. Thread: the worker's.
class SharedStore final : public base::RefCounted {
 public:
  // The one of this worker, made when there is none.
  static base::Rc<SharedStore> Of(const ::proxenos::cache::StoreHandle& store,
                                  const filter::Environment& environment,
                                  stats::Registry& registry);
  ~SharedStore();

  // Whether there is anything to be found in it now.
  bool Usable();
  // Writes the response by and by. `decided`: Position() of the log before it was decided to keep
  // it.
  void Save(const ::proxenos::cache::Key& key, const ::proxenos::cache::StoredResponse& response,
            std::optional<::proxenos::cache::LogId> decided);
  // The URL is out of date; `known`: it was stored here. What was stored anywhere goes.
  void Forget(const ::proxenos::cache::Key& key, bool known);

  ::proxenos::cache::PurgeLog& log() const { return *store_->log; }
  SharedStats& stats() { return *stats_; }

 private:
  friend class SharedLoad;
  // Where the main thread finds the worker, for as long as this lives.
  struct Address {
    std::mutex mutex;
    event::EventLoop* loop;  // Guarded by mutex; null: gone.
    SharedStore* store;      // Touched on the loop's thread alone.
  };
  // A URL that is asked about before it is said to be purged.
  struct Forgetting {
    explicit Forgetting(SharedStore& store);
    redis::Call call;
    std::string url;
    bool over = false;
  };
  static constexpr size_t kMaxForgetting = 256;

  SharedStore(const ::proxenos::cache::StoreHandle& store, const filter::Environment& environment,
              stats::Registry& registry);
  void OnTick();
  void Follow();
  void Publish();

  const ::proxenos::cache::StoreHandle store_;
  event::EventLoop& loop_;
  upstream::ClusterMap& clusters_;
  const std::string prefix_;  // Of all keys.
  stats::Group<SharedStats> stats_;
  stats::Group<redis::ClientStats> client_stats_;
  redis::Client client_;
  std::unique_ptr<PurgeFollower> follower_;  // Null: another one of the process follows.
  std::vector<std::unique_ptr<Forgetting>> forgetting_;
  std::vector<::proxenos::cache::PurgeRecord> publishing_;  // Whether Redis has them is not known.
  redis::Call published_;
  event::Timer tick_;
  // tidy: allow shared-mutable: held by posts under way, which outlive this.
  const std::shared_ptr<Address> address_;
};

// Owner: the stream's filter; its destructor gives up. Thread: the worker's.
class SharedLoad {
 public:
  // `request` outlives it. `on_done` is called in a later turn, and captures nothing but the owner.
  SharedLoad(base::Rc<SharedStore> store, const ::proxenos::cache::Key& key,
             const http::HeaderMap& request, absl::AnyInvocable<void()> on_done);
  // False: Redis is not to be asked now.
  bool Start();

  bool done() const { return done_; }
  // Of done(): what answers the request.
  std::optional<::proxenos::cache::StoredResponse>& result() { return result_; }

 private:
  void OnPlain(const redis::Reply* reply);
  void OnVaries(const redis::Reply* reply);
  void OnVariants(const redis::Reply* reply);
  // Takes the entry, if it is one and answers the request.
  bool Take(const redis::Reply& value);
  void Finish();

  const base::Rc<SharedStore> store_;
  const ::proxenos::cache::Key& key_;
  const http::HeaderMap& request_;
  absl::AnyInvocable<void()> on_done_;
  const ::proxenos::cache::SharedNames names_;
  redis::Call plain_;
  redis::Call varies_;
  redis::Call variants_;
  std::optional<::proxenos::cache::StoredResponse> result_;
  bool done_ = false;
};

// What NamedStore does, and in the shared store too. `shared` may be null.
bool KeepEverywhere(::proxenos::cache::NamedStore& store, SharedStore* shared,
                    const ::proxenos::cache::Fill& fill,
                    ::proxenos::cache::StoredResponse response);
bool UpdateEverywhere(::proxenos::cache::NamedStore& store, SharedStore* shared,
                      const ::proxenos::cache::Key& key, const ::proxenos::cache::StoredHead* old,
                      ::proxenos::cache::StoredResponse response);
uint64_t ForgetEverywhere(::proxenos::cache::NamedStore& store, SharedStore* shared,
                          const ::proxenos::cache::Key& key);

}  // namespace proxenos::filters::cache
