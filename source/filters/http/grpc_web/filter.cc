// gRPC-Web to gRPC and back.
#include "source/filters/http/grpc_web/filter.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/http/content_coding.h"
#include "source/rpc/status.h"

namespace proxenos::filters::grpc_web {
namespace {

using filter::Verdict;
using http::HeaderId;

constexpr absl::string_view kWeb = "application/grpc-web";
constexpr absl::string_view kWebProto = "application/grpc-web+proto";
constexpr absl::string_view kWebText = "application/grpc-web-text";
constexpr absl::string_view kWebTextProto = "application/grpc-web-text+proto";

// Of a response that is not gRPC: more than this is no message to anyone.
constexpr uint32_t kMaxForeignBody = 1 << 20;
// What of it is told, as in Envoy.
constexpr size_t kMaxMessage = 16384;

bool IsText(absl::string_view type) { return type == kWebText || type == kWebTextProto; }

}  // namespace

Verdict GrpcWeb::OnRequestHeaders(http::RequestHead& head, bool) {
  const absl::string_view type = head.headers.Get(HeaderId::kContentType);
  active_ = !head.path.empty() && (type == kWeb || type == kWebProto || IsText(type));
  if (!active_) return Verdict::kContinue;
  text_request_ = IsText(type);
  text_response_ = IsText(head.headers.Get(HeaderId::kAccept));
  http::ForgetLength(head.framing, head.headers);
  head.headers.Set(HeaderId::kContentType, rpc::kContentType);
  head.te_trailers = true;  // gRPC's way to find out that trailers are not lost on the way.
  if (head.headers.Find("grpc-accept-encoding") == nullptr) {
    head.headers.AddView(HeaderId::kUnknown, "grpc-accept-encoding", "identity");
  }
  return Verdict::kContinue;
}

Verdict GrpcWeb::RefuseText(absl::string_view details) {
  stream_.Reply(400, "Bad gRPC-web request, invalid base64 data.", details, 0);
  return Verdict::kReplied;
}

Verdict GrpcWeb::OnRequestBody(buffer::Buffer& body, bool end) {
  if (!text_request_) return Verdict::kContinue;
  if (!decoder_.Decode(body)) return RefuseText("grpc_base_64_decode_failed");
  if (end && !decoder_.complete()) return RefuseText("grpc_base_64_decode_failed_bad_size");
  return Verdict::kContinue;
}

Verdict GrpcWeb::OnRequestTrailers(http::HeaderMap&) {
  if (!decoder_.complete()) return RefuseText("grpc_base_64_decode_failed_bad_size");
  return Verdict::kContinue;
}

bool GrpcWeb::SpeaksGrpc() const {
  const http::ResponseHead& head = stream_.response;
  const filter::Parts& in = stream_.response_in;
  if (in.end && in.body.empty() && in.trailers == nullptr) {
    return head.headers.Has(HeaderId::kGrpcStatus);
  }
  if (head.status != 200) return false;
  absl::string_view type = head.headers.Get(HeaderId::kContentType);
  if (rpc::IsGrpcType(type)) return true;
  type = absl::StripTrailingAsciiWhitespace(type.substr(0, type.find(';')));
  return absl::EqualsIgnoreCase(type, kWeb) || absl::EqualsIgnoreCase(type, kWebProto);
}

filter::BodyNeed GrpcWeb::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  if (!active_ || SpeaksGrpc()) return declared;
  return filter::BodyNeed{filter::BodyMode::kBuffer, kMaxForeignBody};
}

// A response that no gRPC-Web client understands, a local one among them: told by the head.
void GrpcWeb::BodyToMessage(http::ResponseHead& head) {
  std::string message;
  const buffer::Buffer& body = stream_.response_in.body;
  for (size_t i = 0; i < body.slice_count() && message.size() < kMaxMessage; ++i) {
    const absl::string_view piece = body.slice(i).view();
    absl::StrAppend(&message, piece.substr(0, kMaxMessage - message.size()));
  }
  rpc::SetStatus(rpc::StatusOfHttp(head.status), head.headers);
  head.headers.Set(HeaderId::kGrpcMessage, rpc::PercentEncode(message));
  head.headers.Set(HeaderId::kContentLength, "0");
  head.framing = http::Framing{};
  drops_body_ = true;
}

Verdict GrpcWeb::OnResponseHeaders(http::ResponseHead& head, bool end) {
  if (!active_) return Verdict::kContinue;
  const bool foreign = !SpeaksGrpc();
  http::ForgetLength(head.framing, head.headers);
  head.headers.Set(HeaderId::kContentType, text_response_ ? kWebTextProto : kWebProto);
  drops_body_ = false;
  if (foreign && !end) BodyToMessage(head);
  return Verdict::kContinue;
}

Verdict GrpcWeb::OnResponseBody(buffer::Buffer& body, bool end) {
  if (!active_) return Verdict::kContinue;
  if (drops_body_) {
    body.Clear();
  } else if (text_response_) {
    // Padded where a message ends: a client that waits for it gets all of it.
    frames_.Add(body);
    encoder_.Encode(body, end || frames_.at_boundary());
  }
  return Verdict::kContinue;
}

Verdict GrpcWeb::OnResponseTrailers(http::HeaderMap& trailers) {
  if (!active_) return Verdict::kContinue;
  if (!drops_body_) {
    std::string text;
    for (const http::Header& header : trailers) {
      absl::StrAppend(&text, header.name(), ":", header.value(), "\r\n");
    }
    buffer::Buffer frame;
    frame.Append(text);
    rpc::PrependFrameHeader(rpc::kWebTrailersFlag, frame);
    if (text_response_) encoder_.Encode(frame, /*flush=*/true);
    stream_.added_body = std::move(frame);
  }
  trailers.Clear();
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::grpc_web
