// From the request's word to the router's choice, and back to the client.
#include "source/filters/http/stateful_session/filter.h"

#include "source/upstream/override_host.h"

namespace proxenos::filters::stateful_session {
namespace {

using filter::Verdict;

uint64_t UnixSeconds(const filter::StreamContext& stream) {
  return static_cast<uint64_t>(stream.environment.loop.wall_now() / 1'000'000);
}

}  // namespace

Verdict StatefulSession::OnRequestHeaders(http::RequestHead& head, bool) {
  const SessionState& state = settings_.state;
  if (settings_.disabled) return Verdict::kContinue;
  covered_ = state.kind != SessionState::Kind::kNone && state.Covers(head.path);
  if (!covered_) return Verdict::kContinue;
  address_ = state.Read(head, UnixSeconds(stream_));
  if (!address_.empty()) {
    stream_.info.state.Set(settings_.strict ? upstream::kStrictSessionHost : upstream::kSessionHost,
                           address_);
  }
  return Verdict::kContinue;
}

Verdict StatefulSession::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (settings_.disabled) return Verdict::kContinue;
  const net::Address& host = stream_.info.upstream_remote;
  if (host.family() == net::Address::Family::kNone) {
    const bool none = (stream_.info.flags & filter::kNoHealthyUpstream) != 0;
    if (part_ != nullptr && covered_ && settings_.strict && none) {
      part_->stats->failed_closed.Inc();
    }
    return Verdict::kContinue;
  }
  if (!covered_) {
    if (part_ != nullptr) part_->stats->no_session.Inc();
    return Verdict::kContinue;
  }
  const std::string address = host.ToString();
  const bool changed = address != address_;
  if (changed) settings_.state.Write(address, UnixSeconds(stream_), head);
  if (part_ == nullptr) return Verdict::kContinue;
  if (!changed) {
    part_->stats->routed.Inc();
  } else if (!settings_.strict) {
    part_->stats->failed_open.Inc();
  }
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::stateful_session
