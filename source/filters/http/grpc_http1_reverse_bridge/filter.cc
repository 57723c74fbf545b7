// gRPC to plain HTTP and back.
#include "source/filters/http/grpc_http1_reverse_bridge/filter.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/rpc/frame.h"

namespace proxenos::filters::grpc_http1_reverse_bridge {
namespace {

using filter::Verdict;
using http::HeaderId;

constexpr uint32_t kMaxMessage = 1 << 20;  // As much as Envoy holds of a response.

void SetLength(uint64_t length, http::HeaderMap& headers) {
  headers.Set(HeaderId::kContentLength, absl::AlphaNum(length).Piece());
}

}  // namespace

Verdict ReverseBridge::Refuse(rpc::Status status, absl::string_view message,
                              absl::string_view details) {
  stream_.Reply(200, stream_.arena.Copy(message), details, 0);
  if (!stream_.aborted()) rpc::SetStatus(status, stream_.response.headers);
  return Verdict::kReplied;
}

Verdict ReverseBridge::OnRequestHeaders(http::RequestHead& head, bool end) {
  const absl::string_view type = head.headers.Get(HeaderId::kContentType);
  if (end || disabled_ || !rpc::IsGrpcType(type)) return Verdict::kContinue;
  active_ = true;
  client_type_ = type;
  head.headers.Set(HeaderId::kContentType, config_.content_type);
  head.headers.Set(HeaderId::kAccept, config_.content_type);
  if (!config_.withhold_grpc_frames) return Verdict::kContinue;
  prefix_left_ = rpc::kFrameHeaderBytes;
  if (head.framing.kind == http::Framing::kLength) {
    // Of a body shorter than its own frame header nothing is sent; OnRequestBody says so.
    head.framing.length -= std::min<uint64_t>(head.framing.length, rpc::kFrameHeaderBytes);
    SetLength(head.framing.length, head.headers);
  }
  return Verdict::kContinue;
}

Verdict ReverseBridge::OnRequestBody(buffer::Buffer& body, bool end) {
  if (!active_ || prefix_left_ == 0) return Verdict::kContinue;
  const uint64_t n = std::min<uint64_t>(body.size(), prefix_left_);
  body.Drain(n);
  prefix_left_ -= static_cast<uint32_t>(n);
  if (!end || prefix_left_ == 0) return Verdict::kContinue;
  return Refuse(rpc::Status::kUnknown, "invalid request body", "grpc_bridge_data_too_small");
}

filter::BodyNeed ReverseBridge::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  if (!active_) return filter::BodyNeed{};
  return measures() ? filter::BodyNeed{filter::BodyMode::kBuffer, kMaxMessage} : declared;
}

bool ReverseBridge::ReadSize(const http::ResponseHead& head) {
  const http::Header* said = head.headers.Find(config_.response_size_header);
  if (said == nullptr) return false;
  const absl::string_view first = said->value().substr(0, said->value().find(','));
  return absl::SimpleAtoi(first, &message_size_) && message_size_ <= UINT32_MAX;
}

Verdict ReverseBridge::OnResponseHeaders(http::ResponseHead& head, bool end) {
  if (!active_) return Verdict::kContinue;
  const http::Header* type = head.headers.Find(HeaderId::kContentType);
  if (type == nullptr || type->value() != config_.content_type) {
    return Refuse(
        rpc::Status::kUnknown,
        absl::StrCat("reverse bridge: upstream responded with ",
                     type == nullptr ? "no content-type header"
                                     : absl::StrCat("unsupported content-type ", type->value()),
                     ", status code ", head.status),
        "grpc_bridge_content_type_wrong");
  }
  if (measures()) {
    message_size_ = stream_.response_in.body.size();
  } else if (config_.withhold_grpc_frames && !ReadSize(head)) {
    return Refuse(rpc::Status::kInternal, "reverse bridge: upstream did not set content length",
                  "grpc_bridge_content_length_missing");
  }
  // Unlike in gRPC's own mapping, 200 is success.
  status_ = head.status == 200 ? rpc::Status::kOk : rpc::StatusOfHttp(head.status);
  head.status = 200;
  head.headers.Set(HeaderId::kContentType, client_type_);
  if (config_.withhold_grpc_frames) SetLength(message_size_ + rpc::kFrameHeaderBytes, head.headers);
  if (stream_.request.version != http::Version::kHttp2) {
    head.headers.Remove(HeaderId::kContentLength);  // HTTP/1.1 has trailers behind chunks only.
  }
  head.framing = http::Framing{http::Framing::kChunked, 0};
  if (!end) return Verdict::kContinue;
  if (config_.withhold_grpc_frames) rpc::AppendFrameHeader(0, 0, stream_.added_body);
  rpc::SetStatus(status_, stream_.AddTrailers(filter::Direction::kResponse));
  return Verdict::kContinue;
}

Verdict ReverseBridge::OnResponseBody(buffer::Buffer& body, bool end) {
  if (!active_) return Verdict::kContinue;
  received_ += body.size();
  if (config_.withhold_grpc_frames && !frame_begun_) {
    frame_begun_ = true;
    buffer::Buffer framed;
    rpc::AppendFrameHeader(0, static_cast<uint32_t>(message_size_), framed);
    framed.Append(std::move(body));
    body = std::move(framed);
  }
  if (!end) return Verdict::kContinue;
  if (config_.withhold_grpc_frames && received_ != message_size_) {
    return Refuse(rpc::Status::kInternal, "reverse bridge: upstream set incorrect content length",
                  "grpc_bridge_content_length_wrong");
  }
  rpc::SetStatus(status_, stream_.AddTrailers(filter::Direction::kResponse));
  return Verdict::kContinue;
}

Verdict ReverseBridge::OnResponseTrailers(http::HeaderMap& trailers) {
  if (!active_) return Verdict::kContinue;
  if (config_.withhold_grpc_frames && !frame_begun_) {
    rpc::AppendFrameHeader(0, 0, stream_.added_body);
  }
  rpc::SetStatus(status_, trailers);
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::grpc_http1_reverse_bridge
