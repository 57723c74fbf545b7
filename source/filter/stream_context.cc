// Local replies and aborts: marks for the pump.
#include "source/filter/stream_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "source/base/check.h"
#include "source/rpc/status.h"

namespace proxenos::filter {

void StreamContext::Reply(uint16_t status, absl::string_view body, absl::string_view details,
                          uint32_t flags) {
  if (response_sent_ || replies_ == base::limits::kMaxLocalReplies) {
    Abort(details, flags);
    return;
  }
  ++replies_;
  reply_kept_ = false;
  reply_status_ = status;
  reply_body_ = body;
  info.flags |= flags;
  info.details = details;
  response.status = status;
  response.reason = absl::string_view();
  response.version = http::Version::kHttp11;
  response.upgrade = absl::string_view();
  response.spellings = nullptr;
  response.headers.Clear();
  response_in = Parts();
  response_out = Parts();
  response_in.head = true;
  response_in.end = true;
  replied_ = true;
  reply_pending_ = true;
  environment.loop.Schedule(this);
  // A redirect is for whoever follows it, not for a gRPC client.
  if (IsGrpcCall() && status / 100 != 3) return FillGrpcReply(body);
  if (body.empty()) {
    response.framing = http::Framing{};
    // 0 is worth saying: without it a client could not tell an empty body from a missing one.
    if (status >= 200 && status != 204 && status != 304) {
      response.headers.AddView(http::HeaderId::kContentLength,
                               http::HeaderName(http::HeaderId::kContentLength), "0");
    }
  } else {
    char digits[absl::numbers_internal::kFastToBufferSize];
    const char* end =
        absl::numbers_internal::FastIntToBuffer(static_cast<uint64_t>(body.size()), digits);
    response.framing = http::Framing{http::Framing::kLength, body.size()};
    response.headers.Add(http::HeaderId::kContentLength,
                         absl::string_view(digits, static_cast<size_t>(end - digits)));
    response.headers.AddView(http::HeaderId::kContentType,
                             http::HeaderName(http::HeaderId::kContentType), "text/plain");
    response_in.body.Append(body);
  }
}

void StreamContext::AwaitBody(Direction direction, uint32_t limit) {
  const int d = static_cast<int>(direction);
  awaited_[d] = limit;
  // One byte more than the filter takes, or the excess would never be seen.
  body_limit_[d] = std::max(body_limit_[d], uint64_t{limit} + 1);
  environment.loop.Schedule(this);
}

void StreamContext::Inject(HttpFilter& filter, Direction direction, buffer::Buffer bytes) {
  DCHECK(!injecting(filter, direction));
  injected_.push_back({&filter, direction, std::move(bytes)});
  environment.loop.Schedule(this);
}

bool StreamContext::injecting(const HttpFilter& filter, Direction direction) const {
  return std::any_of(injected_.begin(), injected_.end(), [&](const Injected& one) {
    return one.filter == &filter && one.direction == direction;
  });
}

bool StreamContext::IsGrpcCall() {
  if (grpc_ == Grpc::kUnknown) {
    const absl::string_view type = request.headers.Get(http::HeaderId::kContentType);
    grpc_ = rpc::IsGrpcType(type) ? Grpc::kYes : Grpc::kNo;
  }
  return grpc_ == Grpc::kYes;
}

// A gRPC client is told by trailers that are also the head ("Trailers-Only" of PROTOCOL-HTTP2.md).
void StreamContext::FillGrpcReply(absl::string_view message) {
  http::HeaderMap& headers = response.headers;
  rpc::SetStatus(rpc::StatusOfHttp(response.status), headers);
  response.status = 200;
  response.framing = http::Framing{};
  headers.AddView(http::HeaderId::kContentType, http::HeaderName(http::HeaderId::kContentType),
                  rpc::kContentType);
  if (!message.empty()) {
    headers.Add(http::HeaderId::kGrpcMessage, rpc::PercentEncode(message));
  }
  // HTTP/1.1 clients of gRPC exist too: without a length the end of the head is not the end.
  if (request.version != http::Version::kHttp2) {
    headers.AddView(http::HeaderId::kContentLength,
                    http::HeaderName(http::HeaderId::kContentLength), "0");
  }
}

http::HeaderMap& StreamContext::AddTrailers(Direction direction) {
  Parts& in = direction == Direction::kRequest ? request_in : response_in;
  DCHECK(in.end && in.trailers == nullptr);
  in.trailers = new (arena.Allocate(sizeof(http::HeaderMap))) http::HeaderMap(arena);
  return *in.trailers;
}

void StreamContext::Abort(absl::string_view details, uint32_t flags) {
  info.flags |= flags;
  info.details = details;  // Not what the response that is now cut began with.
  aborted_ = true;
  broken_off_ = false;
  environment.loop.Schedule(this);
}

void StreamContext::BreakOff(absl::string_view details, uint32_t flags) {
  DCHECK(response_sent_);
  info.flags |= flags;
  info.details = details;
  broken_off_ = true;
  environment.loop.Schedule(this);
}

}  // namespace proxenos::filter
