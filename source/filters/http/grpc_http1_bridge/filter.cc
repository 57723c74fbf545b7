// Trailers to head, and a frame around the message.
#include "source/filters/http/grpc_http1_bridge/filter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "source/rpc/frame.h"
#include "source/rpc/status.h"

namespace proxenos::filters::grpc_http1_bridge {
namespace {

using filter::Verdict;
using http::HeaderId;

constexpr absl::string_view kProtobuf = "application/x-protobuf";
// Unary messages, which are held whole: as much as Envoy holds of a response.
constexpr uint32_t kMaxMessage = 1 << 20;
constexpr filter::BodyNeed kWhole{filter::BodyMode::kBuffer, kMaxMessage};

void SetLength(uint64_t length, http::Framing& framing, http::HeaderMap& headers) {
  framing = http::Framing{http::Framing::kLength, length};
  headers.Set(HeaderId::kContentLength, absl::AlphaNum(length).Piece());
}

}  // namespace

GrpcHttp1Bridge::GrpcHttp1Bridge(const BridgeConfig& config, filter::StreamContext& stream)
    : config_(config), stream_(stream) {
  const http::RequestHead& head = stream.request;
  const absl::string_view type = head.headers.Get(HeaderId::kContentType);
  frames_ = config.upgrade_protobuf_to_grpc && type == kProtobuf;
  bridges_ = frames_ || (head.version != http::Version::kHttp2 && rpc::IsGrpcType(type));
}

filter::BodyNeed GrpcHttp1Bridge::RequestBodyNeed(const filter::BodyNeed& declared) const {
  return frames_ ? kWhole : declared;
}

filter::BodyNeed GrpcHttp1Bridge::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  return bridges_ ? kWhole : declared;
}

Verdict GrpcHttp1Bridge::OnRequestHeaders(http::RequestHead& head, bool end) {
  if (!bridges_) return Verdict::kContinue;
  head.te_trailers = true;  // It is the proxy that understands them.
  if (config_.ignore_query_parameters) head.path = head.path.substr(0, head.path.find('?'));
  if (!frames_) return Verdict::kContinue;
  head.headers.Set(HeaderId::kContentType, rpc::kContentType);
  SetLength(stream_.request_in.body.size() + rpc::kFrameHeaderBytes, head.framing, head.headers);
  if (end) rpc::AppendFrameHeader(0, 0, stream_.added_body);  // A message without fields.
  return Verdict::kContinue;
}

Verdict GrpcHttp1Bridge::OnRequestBody(buffer::Buffer& body, bool) {
  if (frames_) rpc::PrependFrameHeader(0, body);
  return Verdict::kContinue;
}

Verdict GrpcHttp1Bridge::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (!bridges_) return Verdict::kContinue;
  // What is no gRPC, an error page, has no frame to be taken off.
  frames_ = frames_ && rpc::IsGrpcType(head.headers.Get(HeaderId::kContentType));
  const filter::Parts& in = stream_.response_in;
  const http::HeaderMap& told = in.trailers == nullptr ? head.headers : *in.trailers;
  const auto status = rpc::StatusIn(told);
  if (status.has_value()) {
    if (*status != rpc::Status::kOk) head.status = 503;
    rpc::SetStatus(*status, head.headers);
  }
  const http::Header* message = told.Find(HeaderId::kGrpcMessage);
  if (message != nullptr && in.trailers != nullptr) {
    head.headers.Set(HeaderId::kGrpcMessage, message->value());
  }
  uint64_t length = in.body.size();
  if (frames_) {
    head.headers.Set(HeaderId::kContentType, kProtobuf);
    length -= std::min<uint64_t>(length, rpc::kFrameHeaderBytes);
  }
  SetLength(length, head.framing, head.headers);
  return Verdict::kContinue;
}

Verdict GrpcHttp1Bridge::OnResponseBody(buffer::Buffer& body, bool) {
  if (bridges_ && frames_) body.Drain(std::min<uint64_t>(body.size(), rpc::kFrameHeaderBytes));
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::grpc_http1_bridge
