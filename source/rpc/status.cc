// gRPC's status in fields of HTTP.
#include "source/rpc/status.h"

#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/http/percent.h"

namespace proxenos::rpc {

bool IsGrpcType(absl::string_view content_type) {
  return absl::StartsWith(content_type, kContentType) &&
         (content_type.size() == kContentType.size() || content_type[kContentType.size()] == '+');
}

Status StatusOfHttp(uint16_t http_status) {
  switch (http_status) {
    case 400:
      return Status::kInternal;
    case 401:
      return Status::kUnauthenticated;
    case 403:
      return Status::kPermissionDenied;
    case 404:
      return Status::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Status::kUnavailable;
    default:
      return Status::kUnknown;
  }
}

uint16_t HttpStatusOf(Status status) {
  static constexpr uint16_t kStatuses[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                           400, 409, 400, 501, 500, 503, 500, 401};
  const auto code = static_cast<size_t>(status);
  return code < std::size(kStatuses) ? kStatuses[code] : 500;
}

std::optional<Status> StatusIn(const http::HeaderMap& headers) {
  const http::Header* header = headers.Find(http::HeaderId::kGrpcStatus);
  if (header == nullptr) return std::nullopt;
  uint32_t code;
  if (!absl::SimpleAtoi(header->value(), &code)) return Status::kUnknown;
  return static_cast<Status>(code);
}

void SetStatus(Status status, http::HeaderMap& headers) {
  headers.Set(http::HeaderId::kGrpcStatus, absl::AlphaNum(static_cast<uint32_t>(status)).Piece());
}

std::string PercentEncode(absl::string_view text) {
  return http::PercentEncoded(text, [](char c) { return c >= 0x20 && c <= 0x7e && c != '%'; });
}

}  // namespace proxenos::rpc
