// Resumption: the rest of a response whose leader left in the middle of it, fetched for those who
// read along (RFC 9110, sections 13.1.5 and 14; RFC 9111, section 3.4).
//
// It is a call of our own: the leader's request as it went to the origin, for the range that is
// missing, if the response is still the same by its strong validator. What comes is joined to what
// there is only when the whole has the length that the head said at first; else the fill breaks.
// Owner: the worker's part of the filter, which ends it. Thread: the worker's.
#pragma once

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "source/cache/fill.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/cache/settings.h"
#include "source/filters/http/cache/shared_store.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::cache {

class Resumption {
 public:
  // Whether somebody reads `fill`, and what it has can be told to be a part of what would come.
  static bool Possible(const filter::StreamContext& stream, store::Fill& fill);
  // REQUIRES: Possible, in this very call. `on_done` is called once, in a later turn, and may
  // destroy it; `stats` may be null.
  Resumption(const Settings& settings, const filter::StreamContext& stream,
             // tidy: allow shared-mutable: leader and followers live on different workers.
             std::shared_ptr<store::Fill> fill, CacheStats* stats,
             absl::AnyInvocable<void(Resumption*)> on_done);
  ~Resumption();
  // What comes is kept there too.
  void SaveTo(base::Rc<SharedStore> shared) { shared_ = std::move(shared); }

 private:
  void Prepare(const http::RequestHead& request);
  void OnDone();
  // Whether the answer brought what is missing, which the fill then has.
  bool Take();

  const Settings& settings_;
  CacheStats* const stats_;
  base::Rc<SharedStore> shared_;  // May be null.
  // tidy: allow shared-mutable: as above; led by this call. Null: over.
  std::shared_ptr<store::Fill> fill_;
  absl::AnyInvocable<void(Resumption*)> on_done_;
  std::unique_ptr<rpc::HttpCall> call_;
};

}  // namespace proxenos::filters::cache
