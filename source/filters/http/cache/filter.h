// Cache: answers requests from what is stored, and stores what the origin answers (RFC 9111, as a
// shared cache).
//
//   kIdle --hit--> kServing            kIdle --miss--> kLeading --response--> kStoring or kPassing
//     | --stale--> kValidating --304--> kServing       (a leader's response is shared as it comes)
//     | --somebody fetches it--> kFollowing --head--> kReading   or, by itself, kLeading
//     | --perhaps on disk or in Redis--> kLoading --> as if it had been in memory, or not
//
// filter.cc has the request's side, response.cc what comes from the origin, serve.cc how what is
// stored becomes an answer. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/base/rc.h"
#include "source/cache/cache_status.h"
#include "source/cache/directives.h"
#include "source/cache/fill.h"
#include "source/cache/memory_store.h"
#include "source/event/timer_wheel.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/cache/background.h"
#include "source/filters/http/cache/judging.h"
#include "source/filters/http/cache/resumption.h"
#include "source/filters/http/cache/settings.h"
#include "source/filters/http/cache/shared_store.h"
#include "source/filters/http/cache/whole_fetch.h"

namespace proxenos::filters::cache {

// Owner: the HttpService. Thread: the worker's.
struct CachePart final : public filter::WorkerPart {
  static constexpr size_t kMaxBackground = 64;
  // Fewer, as each holds a whole body beside the one that it is for.
  static constexpr size_t kMaxResumptions = 16;
  void Start(const filter::Environment& environment) override {
    loop = &environment.loop;
    if (store && store->log != nullptr) shared = SharedStore::Of(store, environment, *registry);
  }
  // It is over.
  void Retire(Background* done);
  void Retire(Resumption* done);
  void Retire(WholeFetch* done);
  // Whether one more call that holds a whole body may be made.
  bool HasRoomForBody() const {
    return loop != nullptr && resumptions.size() + whole_fetches.size() < kMaxResumptions;
  }

  store::StoreHandle store;
  stats::Registry* registry = nullptr;
  event::EventLoop* loop = nullptr;
  stats::Group<CacheStats> stats;
  base::Rc<SharedStore> shared;                          // Null: the store has none.
  std::vector<std::unique_ptr<Background>> background;   // Under way.
  std::vector<std::unique_ptr<Resumption>> resumptions;  // Under way.
  std::vector<std::unique_ptr<WholeFetch>> whole_fetches;
};

class Cache final : public filter::HttpFilter {
 public:
  Cache(const Settings& settings, const filter::FilterFactory& factory,
        filter::StreamContext& stream);
  ~Cache() override;

  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnWake() override;
  void OnLocalReply() override;
  void OnComplete() override;

 private:
  enum class State : uint8_t {
    kIdle,        // Nothing is decided, or the cache has no part in this.
    kUnsafe,      // A response without error makes what is stored out of date.
    kHead,        // A HEAD at the origin: it may freshen what is stored.
    kLoading,     // Waits for a file, or for the store that a fleet shares.
    kFollowing,   // Waits for somebody else's response to begin.
    kReading,     // Sends it while it comes.
    kLeading,     // The request is at the origin, for a response to store.
    kValidating,  // The same, to find whether what is stored is still valid.
    kStoring,     // The response is being stored while it passes.
    kServing,     // The response comes from the store.
    kPassing,     // Nothing more to do.
  };

  // filter.cc
  bool Applies(const http::RequestHead& head, bool end);
  filter::Verdict LookUp();
  // Has what is below the memory for this request read, if there may be anything.
  bool BeginLoad(store::Forwarded otherwise);
  void OnLoaded();
  // Lets somebody else lead, when this stream was to.
  void GiveUpFill();
  filter::Verdict UseStored(store::StoredResponse found);
  filter::Verdict Fetch(store::Forwarded why, bool may_follow);
  filter::Verdict Validate(store::Forwarded why);
  // Has `stored_` validated behind the client's back. False: that cannot be.
  bool ValidateInBackground();
  filter::Verdict OnlyIfCached();
  void RememberRequest();
  // Followers, from OnWake.
  void Follow();
  void BeginReading(std::shared_ptr<const store::StoredHead> head,
                    const store::Follower::Progress& progress);
  void ReadOn(const store::Follower::Progress& progress);
  void GoAlone();
  // The leader left: leads, or follows who does.
  void LookAgain();

  // response.cc
  bool ReplaceByStored(const http::ResponseHead& head);
  // The 304 of a validation: freshens what is stored and answers with it.
  void OnNotModified(const http::ResponseHead& head);
  void OnHeadAnswer(const http::ResponseHead& head);
  void Invalidate(const http::ResponseHead& head);
  void BeginStoring(http::ResponseHead& head, bool end);
  // What would be stored of the origin's answer. A part that is the whole is that whole; of another
  // one the whole may be fetched, as `whole` then says.
  Made Judge(const http::ResponseHead& head, Made* whole);
  // The fill is over, and what came is for nobody else.
  void RefuseFill(uint16_t status);
  // Has the whole fetched behind the client's back.
  void FetchWhole(std::unique_ptr<store::StoredHead> head);
  void FinishStoring();
  void BreakFill();
  // The stream is over before its fill: others go on without it, where they can.
  void LeaveFill();
  void ShowForwarded(http::HeaderMap& headers, uint16_t status, bool stored,
                     absl::string_view detail);

  // serve.cc
  // Answers with `response`, by the client's conditions and ranges. `body` null: it comes by
  // and by.
  void Serve(const store::StoredHead& head, const store::Body* body, store::CacheStatus status);
  // Whether the answer under way is the one that Serve gave last.
  bool AnswerIsOurs() const { return stream_.info.details.data() == kDetails; }

  static constexpr char kDetails[] = "cache.response_from_cache_filter";

  base::WallTime now() const { return stream_.environment.loop.wall_now(); }
  store::MemoryStore& memory() { return settings_.store->memory; }
  SharedStore* shared() const { return part_ == nullptr ? nullptr : part_->shared.get(); }
  // The client's own header fields, as they came.
  const http::HeaderMap& client_headers() const {
    return seen_ != nullptr ? seen_->headers : stream_.request.headers;
  }
  void Count(stats::Counter CacheStats::*counter) {
    if (part_ != nullptr) ((*part_->stats).*counter).Inc();
  }

  const Settings& settings_;
  filter::StreamContext& stream_;
  CachePart* const part_;  // May be null.
  State state_ = State::kIdle;
  bool head_request_ = false;
  bool followed_ = false;  // Has waited for somebody else once.
  bool timed_out_ = false;
  store::RequestDirectives directives_;
  store::Key key_;
  store::Forwarded why_ = store::Forwarded::kNo;
  store::StoredResponse stored_;  // What is validated, or served: its views are in the response.
  Seen* seen_ = nullptr;          // In the arena.
  // tidy: allow shared-mutable: leader and followers live on different workers; Fill locks.
  std::shared_ptr<store::Fill> fill_;  // Led by this stream, while it is under way.
  std::optional<store::DiskLoad> load_;
  std::unique_ptr<SharedLoad> shared_load_;
  std::optional<store::Follower> follower_;
  std::optional<event::Timer> patience_;  // Of a follower.
  // Of what a follower sends: the next byte of the body, and the first one not to be sent.
  uint64_t read_at_ = 0;
  uint64_t read_end_ = UINT64_MAX;
  // Of an unsafe request: its URL, before anybody rewrote it. Views into the arena or the head.
  absl::string_view scheme_, authority_, path_;
};

}  // namespace proxenos::filters::cache
