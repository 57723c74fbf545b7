// Questions and answers.
#include "source/filters/http/ratelimit/decision.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/rpc/header_wire.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::ratelimit {
namespace {

using filter::HeaderChange;
using rpc::WireReader;
using rpc::WireWriter;

// Field numbers of envoy.service.ratelimit.v3.
enum RequestField : uint32_t { kDomain = 1, kDescriptors = 2 };
enum DescriptorField : uint32_t { kEntries = 1, kLimit = 2, kHitsAddend = 3, kNegative = 4 };
enum OverrideField : uint32_t { kOverrideRequests = 1, kOverrideUnit = 2 };
enum ResponseField : uint32_t {
  kOverallCode = 1,
  kStatuses = 2,
  kResponseHeaders = 3,
  kRequestHeaders = 4,
  kRawBody = 5,
  kDynamicMetadata = 6,
};
enum StatusField : uint32_t { kCurrentLimit = 2, kRemaining = 3, kUntilReset = 4 };
enum LimitField : uint32_t { kPerUnit = 1, kUnit = 2, kName = 3 };
enum Code : uint64_t { kOk = 1, kOverLimit = 2 };

uint64_t SecondsOf(uint64_t unit) {
  static constexpr uint64_t kDay = 24 * 3600;
  // RateLimit.Unit: unknown, second, minute, hour, day, month, year, week.
  static constexpr uint64_t kSeconds[] = {0, 1, 60, 3600, kDay, 30 * kDay, 365 * kDay, 7 * kDay};
  return unit < std::size(kSeconds) ? kSeconds[unit] : 0;
}

bool ReadHeader(absl::string_view message, std::vector<HeaderChange>* out) {
  HeaderChange change{HeaderChange::How::kAdd, "", ""};
  const bool good = rpc::ReadNameAndValue(message, &change.name, &change.value);
  change.name = absl::AsciiStrToLower(change.name);
  out->push_back(std::move(change));
  return good;
}

bool ReadStatus(absl::string_view message, std::vector<Decision::Status>* out) {
  Decision::Status status;
  bool limited = false;
  WireReader reader(message);
  while (reader.Next()) {
    WireReader inner(reader.bytes());
    if (reader.field() == kRemaining) {
      status.remaining = reader.number();
    } else if (reader.field() == kCurrentLimit) {
      limited = true;
      while (inner.Next()) {
        if (inner.field() == kPerUnit) status.requests_per_unit = inner.number();
        if (inner.field() == kUnit) status.window_seconds = SecondsOf(inner.number());
        if (inner.field() == kName) status.name = std::string(inner.bytes());
      }
    } else if (reader.field() == kUntilReset) {
      while (inner.Next()) {
        if (inner.field() == 1) status.reset_seconds = inner.number();
      }
    }
    if (!inner.ok()) return false;
  }
  if (limited) out->push_back(std::move(status));
  return reader.ok();
}

bool Read(absl::string_view message, Decision* decision) {
  uint64_t code = 0;
  WireReader reader(message);
  while (reader.Next()) {
    bool good = true;
    switch (reader.field()) {
      case kOverallCode:
        code = reader.number();
        break;
      case kStatuses:
        good = ReadStatus(reader.bytes(), &decision->statuses);
        break;
      case kResponseHeaders:
        good = ReadHeader(reader.bytes(), &decision->response_headers);
        break;
      case kRequestHeaders:
        good = ReadHeader(reader.bytes(), &decision->request_headers);
        break;
      case kRawBody:
        decision->body = std::string(reader.bytes());
        break;
      case kDynamicMetadata: {
        std::optional<json::Object> metadata = rpc::ReadStruct(reader.bytes());
        good = metadata.has_value();
        if (good) decision->metadata = *std::move(metadata);
        break;
      }
      default:
        break;
    }
    if (!good) return false;
  }
  if (code == kOk) decision->verdict = Decision::Verdict::kOk;
  if (code == kOverLimit) decision->verdict = Decision::Verdict::kOverLimit;
  return reader.ok();
}

}  // namespace

std::string MakeRequest(absl::string_view domain, absl::Span<const Question> questions) {
  std::string message;
  WireWriter request(message);
  request.Text(kDomain, domain);
  for (const Question& question : questions) {
    request.Message(kDescriptors, [&question](WireWriter& out) {
      for (const auto& entry : question.descriptor.entries) {
        out.Entry(kEntries, entry.key, entry.value);
      }
      if (question.limit_unit != 0) {
        out.Message(kLimit, [&question](WireWriter& limit) {
          limit.Number(kOverrideRequests, question.limit_requests);
          limit.Number(kOverrideUnit, question.limit_unit);
        });
      }
      if (!question.hits.has_value()) return;
      out.Message(kHitsAddend, [&question](WireWriter& hits) { hits.Number(1, *question.hits); });
      if (question.descriptor.limit->negative_hits) out.Number(kNegative, 1);
    });
  }
  return message;
}

Decision ReadResponse(absl::string_view message) {
  Decision decision;
  return Read(message, &decision) ? decision : Decision{};
}

std::optional<LimitFields> LimitFieldsOf(const Decision& decision) {
  if (decision.statuses.empty()) return std::nullopt;
  const auto least =
      std::min_element(decision.statuses.begin(), decision.statuses.end(),
                       [](const auto& a, const auto& b) { return a.remaining < b.remaining; });
  std::string limit = absl::StrCat(least->requests_per_unit);
  for (const Decision::Status& status : decision.statuses) {
    if (status.window_seconds == 0) continue;
    absl::StrAppend(&limit, ", ", status.requests_per_unit, ";w=", status.window_seconds);
    if (!status.name.empty()) absl::StrAppend(&limit, ";name=\"", status.name, "\"");
  }
  return LimitFields{std::move(limit), absl::StrCat(least->remaining),
                     absl::StrCat(least->reset_seconds)};
}

}  // namespace proxenos::filters::ratelimit
