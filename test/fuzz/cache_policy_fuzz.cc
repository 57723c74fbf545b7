// The readers of caching's fields on any bytes: directives, targeted fields, dates, ranges,
// conditions, Vary. Input: "name: value" lines, those with a '>' before them of the request.
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "source/base/check.h"
#include "source/buffer/arena.h"
#include "source/cache/byte_range.h"
#include "source/cache/conditions.h"
#include "source/cache/directives.h"
#include "source/cache/key.h"
#include "source/cache/response_policy.h"
#include "source/cache/stored_response.h"
#include "source/cache/vary.h"
#include "source/http/date.h"

namespace proxenos::cache {
namespace {

constexpr absl::string_view kTargets[] = {"cdn-cache-control", "x"};
constexpr int64_t kNow = 1795320701;
constexpr base::WallTime kSecond = 1000000;

void CheckSeconds(const Seconds& seconds) {
  CHECK(seconds.value >= 0 && seconds.value <= kMaxSeconds);
  CHECK(seconds.valid || seconds.value == 0);
}

void CheckPolicy(const http::HeaderMap& request, const http::ResponseHead& response) {
  const RequestDirectives asked = ReadRequestDirectives(request);
  for (const Seconds& one : {asked.max_age, asked.min_fresh, asked.max_stale}) CheckSeconds(one);
  PolicyOptions options;
  options.targets = kTargets;
  const RequestFacts facts{request.Has(http::HeaderId::kAuthorization), asked.no_store,
                           kNow * kSecond};
  const Judgement judgement = JudgeResponse(response, facts, options, kNow * kSecond);
  const ResponsePolicy& policy = judgement.policy;
  CHECK(policy.lifetime >= 0 && policy.lifetime <= kMaxSeconds);
  CHECK(policy.initial_age >= 0);
  if (judgement.verdict != StoreVerdict::kStore) return;
  const ResponseDirectives directives = ReadResponseDirectives(response.headers, kTargets);
  CHECK(!directives.is_private);
  CHECK(!directives.no_store || directives.must_understand);
  // Nothing gets fresher with time.
  int64_t before = policy.TtlAt(kNow * kSecond);
  for (int64_t later = 1; later < int64_t{1} << 40; later *= 16) {
    const int64_t ttl = policy.TtlAt((kNow + later) * kSecond);
    CHECK(ttl <= before);
    before = ttl;
  }
  HeadBuilder builder;
  builder.Add(response.headers, judgement.withheld);
  StoredHead head;
  builder.Finish(kNow, head);
  for (const http::Header& field : head.fields()) {
    CHECK(!IsNeverStored(field.id, field.name()));
    for (const absl::string_view name : judgement.withheld)
      CHECK(!absl::EqualsIgnoreCase(name, field.name()));
  }
}

void CheckRange(absl::string_view value) {
  if (const auto part = ReadContentRange(value)) {
    CHECK(part->first <= part->last && part->last < part->length);
  }
  for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{1000}, UINT64_MAX}) {
    const ByteRange range = ReadRange(value, length);
    if (range.kind != ByteRange::Kind::kPart) continue;
    CHECK(range.size > 0 && range.first < length && range.size <= length - range.first);
  }
}

void Run(absl::string_view input) {
  buffer::Arena arena;
  http::RequestHead request(arena);
  http::ResponseHead response(arena);
  request.scheme = "http";
  request.authority = "host";
  request.path = "/a/b?c";
  response.status = 200;
  for (absl::string_view line : absl::StrSplit(input, '\n')) {
    const bool asked = !line.empty() && line.front() == '>';
    if (asked) line.remove_prefix(1);
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos || colon == 0 || colon > 100) continue;
    const std::string name = absl::AsciiStrToLower(line.substr(0, colon));
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
    (asked ? request.headers : response.headers).Add(name, value);
    http::ParseDate(value, kNow);
    CheckRange(value);
    ResolveSameOrigin(request, value, {});
  }
  CheckPolicy(request.headers, response);
  const Validators known = ValidatorsOf(response.headers, kNow);
  Evaluate(request.headers, known, kNow);
  IfRangeHolds(request.headers, known, kNow);
  const VaryFields vary = ReadVary(response.headers);
  CHECK(vary.names.size() <= kMaxVaryFields);
  CHECK(SelectingValues(vary.names, request.headers) ==
        SelectingValues(vary.names, request.headers));
  Key(request, "web", {});
}

}  // namespace
}  // namespace proxenos::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::cache::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
