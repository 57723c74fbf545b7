// As strict as Envoy: blanks around words and empty words pass, words of the other field do not.
#include "source/filters/http/router/strict_headers.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "source/route/action.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;

constexpr uint32_t kGrpcWords = route::kRetryOnGrpcCancelled | route::kRetryOnGrpcDeadlineExceeded |
                                route::kRetryOnGrpcInternal | route::kRetryOnGrpcResourceExhausted |
                                route::kRetryOnGrpcUnavailable;

bool IsValid(HeaderId id, absl::string_view value) {
  if (id == HeaderId::kXEnvoyRetryOn || id == HeaderId::kXEnvoyRetryGrpcOn) {
    absl::string_view unknown;
    const uint32_t words = route::ParseRetryOn(value, &unknown);
    const uint32_t foreign = id == HeaderId::kXEnvoyRetryOn ? kGrpcWords : ~kGrpcWords;
    return unknown.empty() && (words & foreign) == 0;
  }
  uint64_t number;
  return absl::SimpleAtoi(value, &number);
}

}  // namespace

std::optional<StrictFault> FindStrictFault(absl::Span<const HeaderId> checked,
                                           const http::HeaderMap& headers) {
  for (const HeaderId id : checked) {
    for (const http::Header& header : headers) {
      if (header.id == id && !IsValid(id, header.value())) {
        return StrictFault{header.name(), header.value()};
      }
    }
  }
  return std::nullopt;
}

}  // namespace proxenos::filters::router
