// From a stream's request to a call, and from its answer to the store.
#include "source/filters/http/cache/background.h"

#include <algorithm>
#include <utility>

#include "source/cache/memory_store.h"
#include "source/filters/http/cache/own_call.h"

namespace proxenos::filters::cache {

using http::HeaderId;
using store::StoreVerdict;

bool Background::Possible(const filter::StreamContext& stream) {
  const route::Forward* forward = stream.route == nullptr ? nullptr : stream.route->forward();
  // The name of a host that is not chosen yet is nobody's to write.
  if (forward == nullptr || forward->host_rewrite == route::Forward::HostRewrite::kAuto) {
    return false;
  }
  const route::ClusterPick pick = route::PickCluster(*stream.route, stream.match_input());
  return static_cast<bool>(stream.environment.clusters.Find(pick.name));
}

Background::Background(const Settings& settings, filter::StreamContext& stream, Subject subject,
                       CacheStats* stats, absl::AnyInvocable<void(Background*)> on_done)
    : settings_(settings),
      loop_(stream.environment.loop),
      stats_(stats),
      subject_(std::move(subject)),
      on_done_(std::move(on_done)) {
  const route::ClusterPick pick = route::PickCluster(*stream.route, stream.match_input());
  base::Rc<upstream::WorkerCluster> cluster = stream.environment.clusters.Find(pick.name);
  for (const http::Header& header : stream.request.headers) {
    seen_.headers.Add(header.name(), header.value());
  }
  seen_.facts.authorization = seen_.headers.Has(HeaderId::kAuthorization);
  seen_.facts.time = loop_.wall_now();
  call_ = std::make_unique<rpc::HttpCall>(
      std::move(cluster), LimitsOf(stream, MaxBodyBytes(settings_)), [this] { OnDone(); });
  Prepare(stream, pick);
  call_->Start(buffer::Buffer());
}

Background::~Background() {
  if (subject_.fill == nullptr) return;
  subject_.fill->Fail();
  settings_.store->memory.End(*subject_.fill);
}

// In the router's order: mutations, host, path.
void Background::Prepare(filter::StreamContext& stream, const route::ClusterPick& pick) {
  CopyAsGet(stream.request, Fields::kAll, *call_);
  http::RequestHead& head = call_->request();
  buffer::Arena& arena = call_->arena();
  AddValidators(*subject_.stored.head, head.headers);
  const auto format = [&](uint32_t index) { return arena.Copy(stream.FormatValue(index)); };
  stream.routes->ForEachRequestMutations(*stream.route, pick.weighted,
                                         [&](const route::HeaderMutations& mutations) {
                                           route::Apply(mutations, head.headers, format);
                                         });
  route::ApplyHostRewrite(*stream.route, pick.weighted, head);
  route::ApplyPathRewrite(*stream.route, head);
  stream.routes->ForEachResponseMutations(
      *stream.route, pick.weighted, [&](const route::HeaderMutations& mutations) {
        response_changes_.push_back(mutations);
        for (route::HeaderAddition& addition : response_changes_.back().additions) {
          if (addition.format_index == route::HeaderAddition::kLiteral) continue;
          addition.value = std::string(stream.FormatValue(addition.format_index));
          addition.format_index = route::HeaderAddition::kLiteral;
        }
      });
}

void Background::OnDone() {
  if (call_->end() == rpc::HttpCall::End::kAnswer) {
    http::ResponseHead head(arena_);
    head.status = call_->response().status;
    for (const http::Header& header : call_->response().headers) {
      head.headers.AddView(header.id, header.name(), header.value());
    }
    for (const route::HeaderMutations& mutations : response_changes_) {
      route::Apply(mutations, head.headers, [](uint32_t) { return absl::string_view(); });
    }
    Take(head);
  } else if (call_->end() == rpc::HttpCall::End::kTooLarge) {
    settings_.store->memory.MarkUnshareable(subject_.key, loop_.now());
    subject_.fill->Refuse();
  } else {
    subject_.fill->Fail();
  }
  settings_.store->memory.End(*subject_.fill);
  subject_.fill.reset();
  auto done = std::move(on_done_);
  done(this);
}

void Background::Take(const http::ResponseHead& head) {
  if (head.status == 304) {
    if (stats_ != nullptr) stats_->validated.Inc();
    if (!subject_.fill->doomed()) {
      TakeFreshened(
          settings_, subject_.shared.get(), subject_.key, subject_.stored,
          Freshen(settings_, *subject_.stored.head, seen_, head.headers, loop_.wall_now()));
    }
    subject_.fill->Settle();
  } else if (IsError(head.status)) {
    subject_.fill->Fail();
  } else {
    Store(head);
  }
}

void Background::Store(const http::ResponseHead& head) {
  Made made = MakeHead(settings_, subject_.key, seen_, head, loop_.wall_now());
  if (made.verdict != StoreVerdict::kStore) {
    if (stats_ != nullptr) stats_->not_stored.Inc();
    // An answer to one client's credentials says nothing of what is there for all.
    if (made.verdict == StoreVerdict::kAuthorization) return subject_.fill->Refuse();
    // What the origin says now is that nobody may have this: what there was is out of date.
    if (!subject_.fill->doomed()) {
      ForgetEverywhere(*settings_.store.operator->(), subject_.shared.get(), subject_.key);
    }
    settings_.store->memory.MarkUnshareable(subject_.key, loop_.now());
    subject_.fill->Refuse();
    return;
  }
  if (stats_ != nullptr) stats_->replaced.Inc();
  subject_.fill->Open(std::move(made.head));
  const buffer::Buffer& body = call_->body();
  for (size_t i = 0; i < body.slice_count(); ++i) subject_.fill->Append(body.slice(i).view());
  KeepEverywhere(*settings_.store.operator->(), subject_.shared.get(), *subject_.fill,
                 store::StoredResponse{subject_.fill->head(),
                                       std::make_shared<const store::Body>(subject_.fill->body())});
  subject_.fill->Complete();
}

}  // namespace proxenos::filters::cache
