// Background: the validation of a stale response whose client has been answered already
// (stale-while-revalidate, RFC 5861, section 3).
//
// It is a call of our own to the cluster that the route chose, with the route's rewrites and header
// mutations; filters behind the cache have no part in it. Others who ask meanwhile follow its fill.
// Owner: the worker's part of the filter, which ends it. Thread: the worker's.
#pragma once

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/buffer/arena.h"
#include "source/cache/fill.h"
#include "source/cache/key.h"
#include "source/cache/stored_response.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/cache/judging.h"
#include "source/filters/http/cache/settings.h"
#include "source/filters/http/cache/shared_store.h"
#include "source/route/header_mutations.h"
#include "source/route/rewrite.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::cache {

class Background {
 public:
  // What is validated. tidy: allow shared-mutable: leader and followers live on different workers.
  struct Subject {
    store::Key key;
    store::StoredResponse stored;
    std::shared_ptr<store::Fill> fill;  // tidy: allow shared-mutable: as above; led by this call.
    base::Rc<SharedStore> shared;       // May be null.
  };

  // Whether the stream's route lets a call stand for its request.
  static bool Possible(const filter::StreamContext& stream);
  // REQUIRES: Possible. `on_done` is called once, in a later turn, and may destroy it; `stats` may
  // be null.
  Background(const Settings& settings, filter::StreamContext& stream, Subject subject,
             CacheStats* stats, absl::AnyInvocable<void(Background*)> on_done);
  ~Background();

 private:
  void Prepare(filter::StreamContext& stream, const route::ClusterPick& pick);
  void OnDone();
  void Take(const http::ResponseHead& head);
  void Store(const http::ResponseHead& head);

  const Settings& settings_;
  event::EventLoop& loop_;
  CacheStats* const stats_;
  Subject subject_;
  absl::AnyInvocable<void(Background*)> on_done_;
  buffer::Arena arena_;
  Seen seen_{arena_};
  // The route's changes of responses, with the values that they had for the client's stream.
  std::vector<route::HeaderMutations> response_changes_;
  std::unique_ptr<rpc::HttpCall> call_;
};

}  // namespace proxenos::filters::cache
