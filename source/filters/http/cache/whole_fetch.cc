// Asking for the whole, and judging what came.
#include "source/filters/http/cache/whole_fetch.h"

#include <utility>

#include "source/cache/conditions.h"
#include "source/filters/http/cache/judging.h"
#include "source/filters/http/cache/own_call.h"

namespace proxenos::filters::cache {

using http::HeaderId;

bool WholeFetch::Possible(const filter::StreamContext& stream, const store::StoredHead& head) {
  const absl::string_view etag = head.validators.etag;
  return head.content_length && !etag.empty() && etag[0] == '"' && store::StrongMatch(etag, etag) &&
         static_cast<bool>(stream.environment.clusters.Find(stream.info.upstream_cluster));
}

WholeFetch::WholeFetch(const Settings& settings, const filter::StreamContext& stream,
                       Subject subject, CacheStats* stats,
                       absl::AnyInvocable<void(WholeFetch*)> on_done)
    : settings_(settings),
      stats_(stats),
      subject_(std::move(subject)),
      on_done_(std::move(on_done)) {
  call_ = std::make_unique<rpc::HttpCall>(
      stream.environment.clusters.Find(stream.info.upstream_cluster),
      LimitsOf(stream, *subject_.head->content_length), [this] { OnDone(); });
  CopyAsGet(stream.request, Fields::kNotOfClient, *call_);
  call_->Start(buffer::Buffer());
}

WholeFetch::~WholeFetch() {
  if (subject_.fill == nullptr) return;
  subject_.fill->Refuse();
  settings_.store->memory.End(*subject_.fill);
}

bool WholeFetch::IsWhole() const {
  return call_->end() == rpc::HttpCall::End::kAnswer && call_->response().status == 200 &&
         call_->body().size() == *subject_.head->content_length &&
         store::StrongMatch(call_->response().headers.Get(HeaderId::kEtag),
                            subject_.head->validators.etag);
}

void WholeFetch::OnDone() {
  store::Fill& fill = *subject_.fill;
  if (IsWhole()) {
    fill.Open(std::move(subject_.head));
    const buffer::Buffer& body = call_->body();
    for (size_t i = 0; i < body.slice_count(); ++i) fill.Append(body.slice(i).view());
    const bool stored = KeepEverywhere(
        *settings_.store.operator->(), subject_.shared.get(), fill,
        store::StoredResponse{fill.head(), std::make_shared<const store::Body>(fill.body())});
    if (stats_ != nullptr) (stored ? stats_->stored : stats_->not_stored).Inc();
    fill.Complete();
  } else {
    fill.Refuse();
  }
  settings_.store->memory.End(fill);
  subject_.fill.reset();
  auto done = std::move(on_done_);
  done(this);
}

}  // namespace proxenos::filters::cache
