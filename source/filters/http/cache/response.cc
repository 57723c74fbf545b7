// What comes from the origin: storing, freshening, invalidating.
#include <utility>

#include "absl/strings/numbers.h"
#include "source/filters/http/cache/filter.h"

namespace proxenos::filters::cache {

using filter::Verdict;
using http::HeaderId;
using store::Forwarded;
using store::StoreVerdict;

Verdict Cache::OnResponseHeaders(http::ResponseHead& head, bool end) {
  switch (state_) {
    case State::kUnsafe:
      Invalidate(head);
      state_ = State::kPassing;
      why_ = Forwarded::kMethod;
      if (!stream_.replied()) ShowForwarded(head.headers, head.status, /*stored=*/false, "");
      why_ = Forwarded::kNo;
      return Verdict::kContinue;
    case State::kPassing:
      if (why_ != Forwarded::kNo && !stream_.replied() && head.status >= 200) {
        ShowForwarded(head.headers, head.status, /*stored=*/false, "");
      }
      return Verdict::kContinue;
    case State::kHead:
      OnHeadAnswer(head);
      return Verdict::kContinue;
    case State::kLeading:
    case State::kValidating:
      break;
    default:
      return Verdict::kContinue;
  }
  if (head.status < 200) return Verdict::kContinue;
  if (state_ == State::kValidating && head.status == 304 && !stream_.replied() &&
      (!stored_.head->validators.etag.empty() || stored_.head->validators.last_modified)) {
    OnNotModified(head);
    return Verdict::kReplied;
  }
  if (IsError(head.status) && ReplaceByStored(head)) return Verdict::kReplied;
  BeginStoring(head, end);
  return Verdict::kContinue;
}

void Cache::ShowForwarded(http::HeaderMap& headers, uint16_t status, bool stored,
                          absl::string_view detail) {
  if (!settings_.shows_status) return;
  store::CacheStatus shown;
  shown.forwarded = why_;
  shown.forward_status = status;
  shown.stored = stored;
  shown.detail = detail;
  store::AppendCacheStatus(store::Render(settings_.status_name, shown), headers);
}

void Cache::BeginStoring(http::ResponseHead& head, bool end) {
  Made made, whole;
  if (stream_.replied()) {  // Of the proxy, not of the origin.
    fill_->Fail();
  } else {
    made = Judge(head, &whole);
    if (fill_->doomed() && made.head != nullptr) made = {StoreVerdict::kUseless, nullptr};
  }
  const bool stores = made.verdict == StoreVerdict::kStore;
  if (!stream_.replied()) {
    ShowForwarded(head.headers, head.status, stores, stores ? "" : store::Name(made.verdict));
  }
  if (!stores) {
    Count(&CacheStats::not_stored);
    const bool fetches = whole.verdict == StoreVerdict::kStore && !fill_->doomed();
    RefuseFill(head.status);
    if (fetches) FetchWhole(std::move(whole.head));
    return;
  }
  if (!stored_.empty()) Count(&CacheStats::replaced);
  fill_->Open(std::move(made.head));
  state_ = State::kStoring;
  if (end) FinishStoring();
}

Made Cache::Judge(const http::ResponseHead& head, Made* whole) {
  const std::optional<store::ContentRange> range = ContentRangeOf(head);
  if (!range) return MakeHead(settings_, key_, *seen_, head, now());
  Made made = MakeHeadOfWhole(settings_, key_, *seen_, head, now());
  // What a condition on the range was answered with may lack fields (RFC 9110, section 15.3.7).
  if (range->whole() && !seen_->headers.Has(HeaderId::kIfRange)) return made;
  *whole = std::move(made);
  return {StoreVerdict::kStatus, nullptr};
}

void Cache::RefuseFill(uint16_t status) {
  // What a client asked for with a range or a condition of its own says nothing of the whole.
  const bool about_itself =
      status == 206 || status == 304 || status == 416 || (seen_->facts.range && status >= 400);
  if (!stream_.replied()) {
    if (IsError(status)) {
      fill_->Fail();
    } else {
      if (!about_itself) memory().MarkUnshareable(key_, stream_.environment.loop.now());
      fill_->Refuse();
    }
  }
  memory().End(*fill_);
  fill_.reset();
  state_ = State::kPassing;
}

void Cache::FetchWhole(std::unique_ptr<store::StoredHead> head) {
  if (!settings_.fetches_whole || part_ == nullptr || !part_->HasRoomForBody()) return;
  if (!WholeFetch::Possible(stream_, *head)) return;
  auto ticket = memory().Begin(key_, store::Fill::Sharing::kShared, stream_.environment.loop.now());
  if (!ticket.leader) return;  // Somebody is at it.
  Count(&CacheStats::background);
  part_->whole_fetches.push_back(std::make_unique<WholeFetch>(
      settings_, stream_,
      WholeFetch::Subject{std::move(ticket.fill), std::move(head), part_->shared}, &*part_->stats,
      [part = part_](WholeFetch* done) { part->Retire(done); }));
}

Verdict Cache::OnResponseBody(buffer::Buffer& body, bool end) {
  if (state_ != State::kStoring) return Verdict::kContinue;
  if (fill_->body().size() + body.size() > MaxBodyBytes(settings_)) {
    memory().MarkUnshareable(key_, stream_.environment.loop.now());
    Count(&CacheStats::not_stored);
    BreakFill();
    return Verdict::kContinue;
  }
  for (size_t i = 0; i < body.slice_count(); ++i) fill_->Append(body.slice(i).view());
  if (end) FinishStoring();
  return Verdict::kContinue;
}

// Trailers are not kept (RFC 9111, section 3).
Verdict Cache::OnResponseTrailers(http::HeaderMap&) {
  if (state_ == State::kStoring) FinishStoring();
  return Verdict::kContinue;
}

void Cache::FinishStoring() {
  const std::shared_ptr<const store::StoredHead> head = fill_->head();
  state_ = State::kPassing;
  why_ = Forwarded::kNo;
  // Shorter than it says of itself: some filter took from it, and the head is another's.
  if (head->content_length && *head->content_length != fill_->body().size()) {
    BreakFill();
    return;
  }
  auto body = std::make_shared<const store::Body>(fill_->body());
  const bool stored = KeepEverywhere(*settings_.store.operator->(), shared(), *fill_,
                                     store::StoredResponse{head, std::move(body)});
  Count(stored ? &CacheStats::stored : &CacheStats::not_stored);
  fill_->Complete();
  memory().End(*fill_);
  fill_.reset();
}

void Cache::BreakFill() {
  if (state_ == State::kStoring) {
    fill_->Break();
    state_ = State::kPassing;
    why_ = Forwarded::kNo;
  } else {
    fill_->Refuse();  // Nothing has come: whoever waited goes on by himself.
  }
  memory().End(*fill_);
  fill_.reset();
}

void Cache::LeaveFill() {
  if (state_ != State::kStoring) {  // Nothing has come.
    memory().End(*fill_);
    fill_->Abandon();
    fill_.reset();
    return;
  }
  const bool room = part_ != nullptr && part_->HasRoomForBody();
  if (!room || !Resumption::Possible(stream_, *fill_)) return BreakFill();
  state_ = State::kPassing;
  why_ = Forwarded::kNo;
  part_->resumptions.push_back(
      std::make_unique<Resumption>(settings_, stream_, std::move(fill_), &*part_->stats,
                                   [part = part_](Resumption* done) { part->Retire(done); }));
  part_->resumptions.back()->SaveTo(part_->shared);
  fill_.reset();
}

bool Cache::ReplaceByStored(const http::ResponseHead& head) {
  if (stored_.empty() || !store::MayReplaceError(stored_.head->policy, directives_, now())) {
    return false;
  }
  const uint16_t status_code = head.status;
  fill_->Fail();
  memory().End(*fill_);
  fill_.reset();
  Count(&CacheStats::stale_served);
  store::CacheStatus status;
  status.forwarded = why_;
  if (!stream_.replied()) status.forward_status = status_code;
  status.ttl = stored_.head->policy.TtlAt(now());
  Serve(*stored_.head, stored_.body.get(), status);
  return true;
}

void Cache::OnNotModified(const http::ResponseHead& head) {
  Count(&CacheStats::validated);
  // For this client alone, and gone with the response that is replaced below.
  absl::InlinedVector<absl::string_view, 2> cookies;
  for (const http::Header& header : head.headers) {
    if (header.id == HeaderId::kSetCookie) cookies.push_back(header.value());
  }
  Freshened fresh = Freshen(settings_, *stored_.head, *seen_, head.headers, now());
  if (fill_->doomed()) fresh.fate = Freshened::Fate::kLeft;
  store::CacheStatus status;
  status.stored = fresh.fate == Freshened::Fate::kUpdated;
  if (fresh.verdict != StoreVerdict::kStore) status.detail = store::Name(fresh.verdict);
  stored_ = TakeFreshened(settings_, shared(), key_, stored_, std::move(fresh));
  fill_->Settle();
  memory().End(*fill_);
  fill_.reset();
  status.forwarded = why_;
  status.forward_status = 304;
  status.ttl = stored_.head->policy.TtlAt(now());
  Serve(*stored_.head, stored_.body.get(), status);
  for (const absl::string_view cookie : cookies) {
    stream_.response.headers.AddView(HeaderId::kSetCookie, "set-cookie", cookie);
  }
}

// RFC 9111, section 4.3.5.
void Cache::OnHeadAnswer(const http::ResponseHead& head) {
  state_ = State::kPassing;
  if (stream_.replied()) return;
  ShowForwarded(stream_.response.headers, head.status, /*stored=*/false, "");
  if (head.status != 200) return;
  const auto variants = memory().Find(key_);
  const store::StoredResponse found =
      variants == nullptr ? store::StoredResponse() : Select(*variants, key_, client_headers());
  if (found.empty() || found.head->status != 200) return;
  const http::HeaderMap& headers = head.headers;
  const store::Validators& known = found.head->validators;
  const store::Validators here = store::ValidatorsOf(headers, now() / kWallSecond);
  bool same = here.etag.empty() || here.etag == known.etag;
  same = same && (!here.last_modified || here.last_modified == known.last_modified);
  uint64_t length;
  if (absl::SimpleAtoi(headers.Get(HeaderId::kContentLength), &length)) {
    same = same && length == found.body->size();
  }
  if (same) {
    TakeFreshened(settings_, shared(), key_, found,
                  Freshen(settings_, *found.head, *seen_, headers, now()));
    return;
  }
  // It is another one by now.
  http::HeaderMap nothing_new(stream_.arena);
  for (const http::Header& field : found.head->fields()) {
    if (field.id != HeaderId::kDate) continue;
    nothing_new.AddView(field.id, field.name(), field.value());
  }
  auto made = Freshen(settings_, *found.head, *seen_, nothing_new, now()).head;
  made->policy.lifetime = 0;
  made->policy.stale_if_error = made->policy.stale_while_revalidate = 0;
  UpdateEverywhere(*settings_.store.operator->(), shared(), key_, found.head.get(),
                   store::StoredResponse{std::move(made), found.body});
}

// RFC 9111, section 4.4.
void Cache::Invalidate(const http::ResponseHead& head) {
  if (stream_.replied() || head.status < 200 || head.status >= 400) return;
  http::RequestHead target(stream_.arena);
  target.scheme = scheme_;
  target.authority = authority_;
  target.path = path_;
  store::NamedStore& named = *settings_.store.operator->();
  uint64_t count = ForgetEverywhere(
      named, shared(), store::Key(store::UrlText(scheme_, authority_, path_, settings_.key)));
  for (const absl::string_view name : {"location", "content-location"}) {
    const http::Header* header = head.headers.Find(name);
    if (header == nullptr) continue;
    std::string url = store::ResolveSameOrigin(target, header->value(), settings_.key);
    if (!url.empty()) count += ForgetEverywhere(named, shared(), store::Key(std::move(url)));
  }
  for (; count > 0; --count) Count(&CacheStats::invalidated);
}

}  // namespace proxenos::filters::cache
