// Asking for what is missing, and judging what came.
#include "source/filters/http/cache/resumption.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/cache/conditions.h"
#include "source/filters/http/cache/judging.h"
#include "source/filters/http/cache/own_call.h"

namespace proxenos::filters::cache {
namespace {

using http::HeaderId;

// "bytes FIRST-LAST/LENGTH" of exactly these.
bool IsContentRange(absl::string_view value, uint64_t first, uint64_t length) {
  return value == absl::StrCat("bytes ", first, "-", length - 1, "/", length);
}

}  // namespace

bool Resumption::Possible(const filter::StreamContext& stream, store::Fill& fill) {
  const auto head = fill.head();
  if (head == nullptr || fill.doomed() || fill.followers() == 0) return false;
  if (head->status != 200 || !head->content_length || fill.body().size() >= *head->content_length) {
    return false;
  }
  const absl::string_view etag = head->validators.etag;
  return store::StrongMatch(etag, etag) && !etag.empty() && etag[0] == '"' &&
         static_cast<bool>(stream.environment.clusters.Find(stream.info.upstream_cluster));
}

Resumption::Resumption(
    const Settings& settings, const filter::StreamContext& stream,
    // tidy: allow shared-mutable: leader and followers live on different workers.
    std::shared_ptr<store::Fill> fill, CacheStats* stats,
    absl::AnyInvocable<void(Resumption*)> on_done)
    : settings_(settings), stats_(stats), fill_(std::move(fill)), on_done_(std::move(on_done)) {
  call_ = std::make_unique<rpc::HttpCall>(
      stream.environment.clusters.Find(stream.info.upstream_cluster),
      LimitsOf(stream, *fill_->head()->content_length), [this] { OnDone(); });
  Prepare(stream.request);
  call_->Start(buffer::Buffer());
}

Resumption::~Resumption() {
  if (fill_ == nullptr) return;
  fill_->Break();
  settings_.store->memory.End(*fill_);
}

void Resumption::Prepare(const http::RequestHead& request) {
  CopyAsGet(request, Fields::kNotOfClient, *call_);
  http::HeaderMap& headers = call_->request().headers;
  headers.Add(HeaderId::kRange, absl::StrCat("bytes=", fill_->body().size(), "-"));
  headers.Add(HeaderId::kIfRange, fill_->head()->validators.etag);
}

bool Resumption::Take() {
  if (call_->end() != rpc::HttpCall::End::kAnswer) return false;
  const auto head = fill_->head();
  const uint64_t length = *head->content_length;
  uint64_t have = fill_->body().size();
  const http::ResponseHead& answer = call_->response();
  if (!store::StrongMatch(answer.headers.Get(HeaderId::kEtag), head->validators.etag)) return false;
  const buffer::Buffer& body = call_->body();
  if (answer.status == 206) {
    const http::Header* range = answer.headers.Find("content-range");
    if (range == nullptr || !IsContentRange(range->value(), have, length)) return false;
    if (body.size() != length - have) return false;
    have = 0;
  } else if (answer.status != 200 || body.size() != length) {
    return false;
  }
  // Of the whole, what there is already is left out.
  for (size_t i = 0; i < body.slice_count(); ++i) {
    absl::string_view bytes = body.slice(i).view();
    const uint64_t skipped = std::min<uint64_t>(have, bytes.size());
    have -= skipped;
    fill_->Append(bytes.substr(skipped));
  }
  return true;
}

void Resumption::OnDone() {
  const bool whole = Take();
  if (whole) {
    const bool stored = KeepEverywhere(
        *settings_.store.operator->(), shared_.get(), *fill_,
        store::StoredResponse{fill_->head(), std::make_shared<const store::Body>(fill_->body())});
    if (stats_ != nullptr) (stored ? stats_->stored : stats_->not_stored).Inc();
    fill_->Complete();
  } else {
    fill_->Break();
  }
  settings_.store->memory.End(*fill_);
  fill_.reset();
  auto done = std::move(on_done_);
  done(this);
}

}  // namespace proxenos::filters::cache
