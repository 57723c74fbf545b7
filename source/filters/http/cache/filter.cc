// The request's side: look-up, forwarding, following.
#include "source/filters/http/cache/filter.h"

#include <algorithm>
#include <utility>

#include "source/cache/conditions.h"
#include "source/cache/vary.h"

namespace proxenos::filters::cache {

using filter::Verdict;
using http::HeaderId;
using http::Method;
using store::Forwarded;
using store::Reuse;

namespace {

// RFC 9110, section 9.2.1; the registered ones of WebDAV and QUERY among them.
bool IsSafe(const http::RequestHead& head) {
  switch (head.method) {
    case Method::kGet:
    case Method::kHead:
    case Method::kOptions:
    case Method::kTrace:
    case Method::kConnect:
      return true;
    case Method::kOther:
      return head.method_text == "PROPFIND" || head.method_text == "REPORT" ||
             head.method_text == "SEARCH" || head.method_text == "QUERY";
    default:
      return false;
  }
}

// Called by the one that is over, which is destroyed in a later turn.
template <typename Call>
void RetireFrom(std::vector<std::unique_ptr<Call>>& calls, Call* done, event::EventLoop& loop) {
  const auto it = std::find_if(calls.begin(), calls.end(),
                               [done](const auto& one) { return one.get() == done; });
  if (it == calls.end()) return;
  loop.Retire(std::move(*it));
  calls.erase(it);
}

}  // namespace

void CachePart::Retire(Background* done) { RetireFrom(background, done, *loop); }
void CachePart::Retire(Resumption* done) { RetireFrom(resumptions, done, *loop); }
void CachePart::Retire(WholeFetch* done) { RetireFrom(whole_fetches, done, *loop); }

Cache::Cache(const Settings& settings, const filter::FilterFactory& factory,
             filter::StreamContext& stream)
    : settings_(settings),
      stream_(stream),
      part_(static_cast<CachePart*>(stream.worker_part(factory))) {}

Cache::~Cache() {
  // A stream may die without having been completed (in tests).
  if (fill_ != nullptr) BreakFill();
}

filter::BodyNeed Cache::ResponseBodyNeed(const filter::BodyNeed&) const {
  const bool fills = state_ == State::kLeading || state_ == State::kValidating;
  return {fills ? filter::BodyMode::kStream : filter::BodyMode::kNone, 0};
}

// Whether this is a request that a cache has anything to do with.
bool Cache::Applies(const http::RequestHead& head, bool end) {
  if (settings_.disabled || head.framing.kind == http::Framing::kTunnel || !head.upgrade.empty()) {
    return false;
  }
  if (stream_.route != nullptr && stream_.route->forward() == nullptr) return false;
  if (!IsSafe(head)) {
    state_ = State::kUnsafe;
    scheme_ = head.scheme;
    authority_ = head.authority;
    path_ = head.path;
    return false;
  }
  if (head.method != Method::kGet && head.method != Method::kHead) return false;
  // A body may decide about the answer and is no part of the key; so may what hides another method
  // or path.
  return end && !stream_.IsGrpcCall() && !store::DisguisesItself(head.headers);
}

Verdict Cache::OnRequestHeaders(http::RequestHead& head, bool end) {
  if (!Applies(head, end)) {
    if (state_ != State::kUnsafe && !settings_.disabled &&
        (head.method == Method::kGet || head.method == Method::kHead)) {
      Count(&CacheStats::bypass);
      state_ = State::kPassing;
      why_ = Forwarded::kBypass;
    }
    return Verdict::kContinue;
  }
  head_request_ = head.method == Method::kHead;
  if (!settings_.ignore_request_directives) {
    directives_ = store::ReadRequestDirectives(head.headers);
  }
  if (directives_.no_store ||
      store::Evaluate(head.headers, store::Validators(), 0) == store::Condition::kForward) {
    Count(&CacheStats::bypass);
    state_ = State::kPassing;
    why_ = directives_.no_store ? Forwarded::kRequest : Forwarded::kBypass;
    return directives_.only_if_cached ? OnlyIfCached() : Verdict::kContinue;
  }
  // Applies saw that the route leads somewhere.
  const absl::string_view cluster =
      stream_.route == nullptr ? absl::string_view()
                               : route::PickCluster(*stream_.route, stream_.match_input()).name;
  key_ = store::Key(head, cluster, settings_.key);
  return LookUp();
}

Verdict Cache::LookUp() {
  const auto variants = memory().Find(key_);
  const Forwarded why = variants == nullptr ? Forwarded::kUriMiss : Forwarded::kVaryMiss;
  if (variants == nullptr) {
    return BeginLoad(why) ? Verdict::kPause : Fetch(why, /*may_follow=*/true);
  }
  store::StoredResponse found = Select(*variants, key_, client_headers());
  if (!found.empty()) return UseStored(std::move(found));
  return BeginLoad(why) ? Verdict::kPause : Fetch(why, /*may_follow=*/true);
}

bool Cache::BeginLoad(Forwarded otherwise) {
  store::DiskStore* disk = settings_.store->disk.get();
  std::optional<uint64_t> file;
  if (disk != nullptr) file = disk->Find(key_, stream_.request.headers);
  if (!file && (shared() == nullptr || !shared()->Usable())) return false;
  auto ticket = memory().Begin(key_, store::Fill::Sharing::kShared, stream_.environment.loop.now());
  if (!ticket.leader) return false;  // Somebody reads or fetches it: to be followed.
  why_ = otherwise;
  RememberRequest();
  fill_ = std::move(ticket.fill);
  state_ = State::kLoading;
  if (file) {
    load_.emplace(*disk, key_, *file, stream_.environment.loop, [this] { stream_.Wake(*this); });
    return true;
  }
  shared_load_ = std::make_unique<SharedLoad>(part_->shared, key_, client_headers(),
                                              [this] { stream_.Wake(*this); });
  // What could not be shared lately is not in there either.
  if (fill_->sharing() == store::Fill::Sharing::kShared && shared_load_->Start()) return true;
  shared_load_.reset();
  GiveUpFill();
  state_ = State::kIdle;
  return false;
}

void Cache::OnLoaded() {
  std::optional<store::StoredResponse> found =
      std::move(load_.has_value() ? load_->result() : shared_load_->result());
  load_.reset();
  shared_load_.reset();
  // Not what was purged while it was read.
  const bool usable = found.has_value() && !fill_->doomed() && !stream_.replied();
  if (found.has_value()) memory().Store(*fill_, *found);
  if (usable) {
    fill_->Settle();
    memory().End(*fill_);
    fill_.reset();
  } else if (fill_->doomed() || stream_.replied()) {
    GiveUpFill();
  }
  state_ = State::kPassing;
  if (stream_.replied()) return;
  state_ = State::kIdle;
  const Verdict verdict = usable ? UseStored(*std::move(found)) : Fetch(why_, /*may_follow=*/true);
  if (verdict == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

void Cache::GiveUpFill() {
  if (fill_ == nullptr) return;
  memory().End(*fill_);
  fill_->Abandon();
  fill_.reset();
}

Verdict Cache::UseStored(store::StoredResponse found) {
  stored_ = std::move(found);
  const store::ResponsePolicy& policy = stored_.head->policy;
  const Reuse reuse = store::JudgeReuse(policy, directives_, now());
  switch (reuse) {
    case Reuse::kWhileRevalidate:
      if (!ValidateInBackground()) return Validate(Forwarded::kStale);
      [[fallthrough]];
    case Reuse::kFresh:
    case Reuse::kStale: {
      Count(reuse == Reuse::kFresh ? &CacheStats::hit : &CacheStats::stale_served);
      store::CacheStatus status;
      status.hit = true;
      status.ttl = policy.TtlAt(now());
      status.collapsed = followed_;
      Serve(*stored_.head, stored_.body.get(), status);
      return Verdict::kReplied;
    }
    case Reuse::kValidate:
      return Validate(Forwarded::kStale);
    case Reuse::kRequestValidate:
      return Validate(Forwarded::kRequest);
  }
  return Verdict::kContinue;
}

Verdict Cache::OnlyIfCached() {
  stream_.Reply(504, "", "cache.only_if_cached", 0);
  state_ = State::kServing;
  if (settings_.shows_status) {
    store::CacheStatus status;
    status.detail = "only-if-cached";
    store::AppendCacheStatus(store::Render(settings_.status_name, status),
                             stream_.response.headers);
  }
  return Verdict::kReplied;
}

void Cache::RememberRequest() {
  if (seen_ != nullptr) return;
  seen_ = new (stream_.arena.Allocate(sizeof(Seen))) Seen(stream_.arena);
  for (const http::Header& header : stream_.request.headers) {
    seen_->headers.AddView(header.id, header.name(), header.value());
  }
  seen_->facts.authorization = seen_->headers.Has(HeaderId::kAuthorization);
  seen_->facts.range = seen_->headers.Has(HeaderId::kRange);
  seen_->facts.time = now();
}

Verdict Cache::Fetch(Forwarded why, bool may_follow) {
  if (directives_.only_if_cached) {
    GiveUpFill();
    return OnlyIfCached();
  }
  why_ = why;
  RememberRequest();
  if (head_request_) {
    GiveUpFill();
    Count(&CacheStats::miss);
    state_ = State::kHead;
    return Verdict::kContinue;
  }
  // What others could not share is not waited for.
  const http::HeaderMap& headers = client_headers();
  const bool shares = settings_.collapses && may_follow && !headers.Has(HeaderId::kRange) &&
                      (stored_.empty() ? !store::IsConditional(headers) : true);
  // Who looked below the memory leads already.
  if (!shares) GiveUpFill();
  auto ticket = fill_ != nullptr ? store::MemoryStore::Ticket{std::move(fill_), true}
                                 : memory().Begin(key_,
                                                  shares ? store::Fill::Sharing::kShared
                                                         : store::Fill::Sharing::kAlone,
                                                  stream_.environment.loop.now());
  if (!ticket.leader) {
    state_ = State::kFollowing;
    followed_ = true;
    follower_.emplace(std::move(ticket.fill), stream_.environment.loop,
                      [this] { stream_.Wake(*this); });
    // However many leaders come and go.
    if (patience_.has_value()) return Verdict::kPause;
    patience_.emplace(stream_.environment.loop.timers(), [this] {
      timed_out_ = true;
      stream_.Wake(*this);
    });
    patience_->ArmIn(settings_.collapse_timeout);
    return Verdict::kPause;
  }
  patience_.reset();
  fill_ = std::move(ticket.fill);
  if (stored_.empty()) Count(&CacheStats::miss);
  seen_->facts.time = now();
  const bool validates = !stored_.empty();
  state_ = validates ? State::kValidating : State::kLeading;
  if (!validates) return Verdict::kContinue;
  AddValidators(*stored_.head, stream_.request.headers);
  return Verdict::kContinue;
}

Verdict Cache::Validate(Forwarded why) {
  const store::Validators& known = stored_.head->validators;
  // Without a validator there is nothing to ask about: it is fetched anew, and what is stored can
  // still take the place of an error.
  if (head_request_ || (known.etag.empty() && !known.last_modified)) {
    if (!head_request_ && !directives_.only_if_cached) Count(&CacheStats::miss);
  }
  return Fetch(why, /*may_follow=*/why == Forwarded::kStale);
}

bool Cache::ValidateInBackground() {
  if (part_ == nullptr || part_->loop == nullptr || !Background::Possible(stream_)) return false;
  if (part_->background.size() >= CachePart::kMaxBackground) return false;
  auto ticket = memory().Begin(key_, store::Fill::Sharing::kShared, stream_.environment.loop.now());
  if (!ticket.leader) return true;  // Somebody is at it.
  Count(&CacheStats::background);
  auto made = std::make_unique<Background>(
      settings_, stream_, Background::Subject{key_, stored_, std::move(ticket.fill), part_->shared},
      &*part_->stats, [part = part_](Background* done) { part->Retire(done); });
  part_->background.push_back(std::move(made));
  return true;
}

void Cache::OnWake() {
  if (load_.has_value() || shared_load_ != nullptr) {
    if (load_.has_value() ? load_->done() : shared_load_->done()) OnLoaded();
    return;
  }
  if (!follower_.has_value()) return;
  // Somebody else may have answered meanwhile: what comes is no part of that answer.
  if (stream_.replied() && !(state_ == State::kReading && AnswerIsOurs())) {
    follower_.reset();
    patience_.reset();
    state_ = State::kPassing;
    return;
  }
  const store::Follower::Progress progress = follower_->Look();
  if (state_ == State::kReading) return ReadOn(progress);
  if (state_ == State::kFollowing) Follow();
}

void Cache::Follow() {
  using Fill = store::Fill;
  const store::Follower::Progress progress = follower_->Look();
  switch (progress.state) {
    case Fill::State::kWaiting:
      if (!timed_out_) return;
      Count(&CacheStats::collapse_timeout);
      return GoAlone();
    case Fill::State::kStreaming:
    case Fill::State::kComplete:
      return BeginReading(progress.head, progress);
    case Fill::State::kSettled: {
      const auto variants = memory().Find(key_);
      store::StoredResponse found =
          variants == nullptr ? store::StoredResponse() : Select(*variants, key_, client_headers());
      if (found.empty()) return GoAlone();
      if (store::JudgeReuse(found.head->policy, directives_, now()) != Reuse::kFresh) {
        stored_ = std::move(found);
        why_ = Forwarded::kStale;
        return GoAlone();
      }
      follower_.reset();
      patience_.reset();
      Count(&CacheStats::collapsed);
      UseStored(std::move(found));
      return;
    }
    case Fill::State::kFailed:
      if (!stored_.empty() && store::MayReplaceError(stored_.head->policy, directives_, now())) {
        follower_.reset();
        patience_.reset();
        Count(&CacheStats::stale_served);
        store::CacheStatus status;
        status.forwarded = Forwarded::kStale;
        status.collapsed = true;
        status.ttl = stored_.head->policy.TtlAt(now());
        Serve(*stored_.head, stored_.body.get(), status);
        return;
      }
      return GoAlone();
    case Fill::State::kAbandoned:
      return timed_out_ ? GoAlone() : LookAgain();
    case Fill::State::kBroken:
    case Fill::State::kRefused:
      return GoAlone();
  }
}

// One of those who waited leads now, so that a leader who leaves does not send them all to the
// origin. The first of them may have the answer in the store already.
void Cache::LookAgain() {
  follower_.reset();
  const Verdict verdict = Fetch(why_, /*may_follow=*/true);
  if (verdict == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

void Cache::BeginReading(std::shared_ptr<const store::StoredHead> head,
                         const store::Follower::Progress& progress) {
  const bool same =
      head->vary.empty() || store::SelectingValues(head->vary, client_headers()) == head->selecting;
  if (!same || store::JudgeReuse(head->policy, directives_, now()) != Reuse::kFresh) {
    return GoAlone();
  }
  patience_.reset();
  Count(&CacheStats::collapsed);
  state_ = State::kReading;
  stored_.head = std::move(head);
  stored_.body = nullptr;
  store::CacheStatus status;
  status.forwarded = why_;
  status.collapsed = true;
  status.ttl = stored_.head->policy.TtlAt(now());
  Serve(*stored_.head, nullptr, status);
  state_ = State::kReading;
  ReadOn(progress);
}

// The response's own end says where the body ends; nothing is sent to a HEAD or with a 304, whose
// end Serve has marked already.
void Cache::ReadOn(const store::Follower::Progress& progress) {
  using Fill = store::Fill;
  if (stream_.response_in.end) {
    follower_.reset();
    return;
  }
  const uint64_t until = std::min(progress.size, read_end_);
  if (until > read_at_) {
    follower_->Read(read_at_, until - read_at_, stream_.response_in.body);
    read_at_ = until;
  }
  const bool whole = progress.state == Fill::State::kComplete || read_at_ == read_end_;
  if (whole) {
    stream_.response_in.end = true;
    follower_.reset();
  } else if (progress.state != Fill::State::kStreaming) {
    follower_.reset();
    Count(&CacheStats::broken_fill);
    if (stream_.response_sent()) {
      stream_.BreakOff("cache.fill_broken", filter::kUpstreamConnectionTermination);
    } else {
      stream_.Reply(502, "", "cache.fill_broken", filter::kUpstreamConnectionTermination);
    }
  }
}

void Cache::GoAlone() {
  follower_.reset();
  patience_.reset();
  const Verdict verdict = Fetch(why_, /*may_follow=*/false);
  if (verdict == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

void Cache::OnLocalReply() {
  if (fill_ != nullptr && state_ == State::kStoring) LeaveFill();
}

void Cache::OnComplete() {
  if (fill_ != nullptr) LeaveFill();
  load_.reset();
  shared_load_.reset();
  follower_.reset();
  patience_.reset();
}

}  // namespace proxenos::filters::cache
