// The copying of messages, and the pump.
#include "source/filters/http/router/attempt_filters.h"

#include <algorithm>
#include <new>
#include <utility>

#include "source/base/limits.h"

namespace proxenos::filters::router {
namespace {

using filter::Direction;

// Views of what the stream holds, which outlives the copy.
void View(const http::HeaderMap& from, http::HeaderMap& to) {
  for (const http::Header& header : from) to.AddView(header.id, header.name(), header.value());
}

void View(const http::RequestHead& from, http::RequestHead& to) {
  to.method = from.method;
  to.version = from.version;
  to.keep_alive = from.keep_alive;
  to.expects_continue = from.expects_continue;
  to.te_trailers = from.te_trailers;
  to.method_text = from.method_text;
  to.path = from.path;
  to.authority = from.authority;
  to.scheme = from.scheme;
  to.upgrade = from.upgrade;
  to.framing = from.framing;
  to.spellings = from.spellings;
  View(from.headers, to.headers);
}

void Copy(const http::HeaderMap& from, http::HeaderMap& to) {
  for (const http::Header& header : from) {
    to.AddView(header.id, to.arena().Copy(header.name()), to.arena().Copy(header.value()));
  }
}

http::HeaderMap* MakeTrailers(buffer::Arena& arena) {
  return new (arena.Allocate(sizeof(http::HeaderMap))) http::HeaderMap(arena);
}

}  // namespace

AttemptFilters::AttemptFilters(filter::HttpFilter& router, filter::StreamContext& whole,
                               const filter::UpstreamFilters& filters,
                               const filter::WorkerParts& parts, bool end)
    : StreamContext(whole), router_(router), whole_(whole) {
  View(whole.request, request);
  worker_parts = parts;
  request_in.head = true;
  request_in.end = end;
  chain_.emplace(filters.factories, *this);
}

AttemptFilters::~AttemptFilters() { chain_->Complete(); }

uint64_t AttemptFilters::held(Direction direction) const {
  const bool is_request = direction == Direction::kRequest;
  return (is_request ? request_in : response_in).body.size() + chain_->held(direction) +
         (is_request ? request_out.body.size() : 0);
}

bool AttemptFilters::TakeRequest(buffer::Buffer& body, bool end, const http::HeaderMap* trailers) {
  if (request_in.end || request_out.end) return true;
  const uint64_t limit = body_limit(Direction::kRequest);
  const uint64_t now = held(Direction::kRequest);
  const uint64_t taken = std::min(body.size(), limit - std::min(limit, now));
  if (taken == body.size()) {
    request_in.body.Append(std::move(body));
  } else {
    request_in.body.AppendFrom(body, taken);
    return false;
  }
  if (!end) return false;
  if (trailers != nullptr) View(*trailers, *(request_in.trailers = MakeTrailers(arena)));
  request_in.end = true;
  return true;
}

void AttemptFilters::TakeResponse(upstream::Exchange& exchange) {
  if (!exchange.head) return;
  if (!std::exchange(response_taken_, true)) {
    const http::ResponseHead& from = exchange.response;
    response.status = from.status;
    response.version = from.version;
    response.keep_alive = from.keep_alive;
    response.reason = from.reason;
    response.upgrade = from.upgrade;
    response.framing = from.framing;
    response.spellings = from.spellings;
    View(from.headers, response.headers);
    response_in.head = true;
  }
  const uint64_t limit = body_limit(Direction::kResponse);
  const uint64_t now = held(Direction::kResponse);
  const uint64_t taken = std::min(exchange.body.size(), limit - std::min(limit, now));
  if (taken != 0) {
    response_in.body.AppendFrom(exchange.body, taken);
    exchange.BodyTaken(taken);
  }
  if (exchange.end && exchange.body.empty() && !response_in.end && !response_out.end) {
    response_in.trailers = exchange.trailers;
    response_in.end = true;
  }
}

// As downstream::Stream does, but for the codecs.
bool AttemptFilters::PumpOnce() {
  bool moved = chain_->RunWoken();
  if (stopped()) return false;
  for (const Direction direction : {Direction::kRequest, Direction::kResponse}) {
    if (!std::exchange(resume_[static_cast<int>(direction)], false)) continue;
    chain_->Resume(direction);
    moved = true;
  }
  moved |= chain_->MoveRequest();
  if (stopped()) return false;
  moved |= chain_->MoveResponse();
  return moved && !stopped();
}

bool AttemptFilters::Pump() {
  int rounds = 0;
  while (!stopped() && PumpOnce()) {
    if (++rounds == base::limits::kMaxPumpRounds) {
      environment.loop.Schedule(this);
      break;
    }
  }
  return !stopped();
}

void AttemptFilters::GiveHead(http::ResponseHead& to) {
  buffer::Arena& kept = to.headers.arena();
  to.status = response.status;
  to.version = response.version;
  to.keep_alive = response.keep_alive;
  to.reason = kept.Copy(response.reason);
  to.upgrade = kept.Copy(response.upgrade);
  to.framing = response.framing;
  to.spellings = response.spellings;
  to.headers.Clear();
  Copy(response.headers, to.headers);
  response_sent_ = true;  // Who replies from now on cuts it short.
}

http::HeaderMap* AttemptFilters::CopyTrailers() const {
  if (response_out.trailers == nullptr) return nullptr;
  http::HeaderMap* const copy = MakeTrailers(whole_.arena);
  Copy(*response_out.trailers, *copy);
  return copy;
}

// As in Envoy, their answer is the request's: no other attempt is made.
void AttemptFilters::GiveUp() {
  const absl::string_view details = whole_.arena.Copy(info.details);
  if (aborted_) return whole_.Abort(details, 0);
  chain_->StartLocalReply();
  whole_.Reply(reply_status_, whole_.arena.Copy(reply_body_), details, 0);
  if (reply_kept_) whole_.KeepReply();
  if (whole_.aborted()) return;
  whole_.response.spellings = nullptr;
  GiveHead(whole_.response);
  whole_.response_in.body = std::move(response_in.body);
}

}  // namespace proxenos::filters::router
