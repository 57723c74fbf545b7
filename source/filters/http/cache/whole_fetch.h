// WholeFetch: the whole of a response that a client has asked for a part of, fetched behind its
// back and stored (RFC 9111, sections 3.3 and 3.4).
//
// It is a call of our own: the client's request as it went to the origin, without its range. The
// head is the part's own, so what comes is stored only when it is the same response by its strong
// validator and has the length that the part told. Meanwhile others who want the whole wait.
// Owner: the worker's part of the filter, which ends it. Thread: the worker's.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "source/cache/fill.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/cache/settings.h"
#include "source/filters/http/cache/shared_store.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::cache {

class WholeFetch {
 public:
  // Whether what comes can be told to be what `head` is of, and there is somebody to ask.
  static bool Possible(const filter::StreamContext& stream, const store::StoredHead& head);
  struct Subject {
    // tidy: allow shared-mutable: leader and followers live on different workers.
    std::shared_ptr<store::Fill> fill;
    std::unique_ptr<store::StoredHead> head;
    base::Rc<SharedStore> shared;  // May be null.
  };
  // REQUIRES: Possible, in this very call. `on_done` is called once, in a later turn, and may
  // destroy it; `stats` may be null.
  WholeFetch(const Settings& settings, const filter::StreamContext& stream, Subject subject,
             CacheStats* stats, absl::AnyInvocable<void(WholeFetch*)> on_done);
  ~WholeFetch();

 private:
  void OnDone();
  // Whether the answer is what was to be had.
  bool IsWhole() const;

  const Settings& settings_;
  CacheStats* const stats_;
  Subject subject_;  // Without a fill: over.
  absl::AnyInvocable<void(WholeFetch*)> on_done_;
  std::unique_ptr<rpc::HttpCall> call_;
};

}  // namespace proxenos::filters::cache
