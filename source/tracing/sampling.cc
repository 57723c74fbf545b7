// The decision, step by step as Envoy documents it.
#include "source/tracing/sampling.h"

#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace proxenos::tracing {
namespace {

using http::HeaderId;

constexpr size_t kUuidSize = 36;
constexpr size_t kMark = 14;  // Where the version of a random UUID, 4, stands.
constexpr absl::string_view kClientTraceId = "x-client-trace-id";

char MarkOf(Reason reason) {
  switch (reason) {
    case Reason::kSampled:
      return '9';
    case Reason::kServiceForced:
      return 'a';
    case Reason::kClientForced:
      return 'b';
    case Reason::kNotTraceable:
      break;
  }
  return '4';
}

Reason ReasonOf(absl::string_view id) {
  for (const Reason reason : {Reason::kSampled, Reason::kServiceForced, Reason::kClientForced}) {
    if (id[kMark] == MarkOf(reason)) return reason;
  }
  return Reason::kNotTraceable;
}

// The number in the first eight digits of a UUID.
std::optional<uint64_t> NumberOf(absl::string_view id) {
  if (id.size() != kUuidSize) return std::nullopt;
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) {
    const unsigned char c = static_cast<unsigned char>(id[i]);
    if (!absl::ascii_isxdigit(c)) return std::nullopt;
    const int digit = absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
    number = number << 4 | static_cast<uint64_t>(digit);
  }
  return number;
}

void Mark(Reason reason, const RequestIdUse& use, http::HeaderMap& headers) {
  if (!use.pack_reason) return;
  for (http::Header& header : headers) {
    if (header.id != HeaderId::kXRequestId) continue;
    if (header.value_size != kUuidSize || header.value_data[kMark] == MarkOf(reason)) return;
    char* copy = static_cast<char*>(headers.arena().Allocate(kUuidSize));
    std::memcpy(copy, header.value_data, kUuidSize);
    copy[kMark] = MarkOf(reason);
    header.value_data = copy;
    return;
  }
}

}  // namespace

Reason Decide(const route::Sampling& sampling, const RequestIdUse& use,
              const runtime::Snapshot* runtime, uint64_t random, http::RequestHead& head) {
  if (!use.decides_sampling) return Reason::kSampled;
  const absl::string_view id = head.headers.Get(HeaderId::kXRequestId);
  const std::optional<uint64_t> number = NumberOf(id);
  if (!number.has_value()) return Reason::kNotTraceable;
  const uint64_t share = *number % 10'000;
  const Reason before = ReasonOf(id);
  Reason reason = before;
  if (reason == Reason::kNotTraceable) {
    if (head.headers.Find(kClientTraceId) != nullptr && sampling.client.Holds(runtime, random)) {
      reason = Reason::kClientForced;
    } else if (head.headers.Has(HeaderId::kXEnvoyForceTrace)) {
      reason = Reason::kServiceForced;
    } else if (sampling.random.Holds(runtime, share)) {
      reason = Reason::kSampled;
    }
  }
  if (reason != Reason::kNotTraceable && !sampling.overall.Holds(runtime, share)) {
    reason = Reason::kNotTraceable;
  }
  if (reason != before) Mark(reason, use, head.headers);
  return reason;
}

void ForgetReason(const RequestIdUse& use, http::HeaderMap& headers) {
  const absl::string_view id = headers.Get(HeaderId::kXRequestId);
  if (id.size() == kUuidSize && ReasonOf(id) != Reason::kNotTraceable) {
    Mark(Reason::kNotTraceable, use, headers);
  }
}

}  // namespace proxenos::tracing
