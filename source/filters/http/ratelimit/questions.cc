// Hits by format, limits by metadata.
#include "source/filters/http/ratelimit/questions.h"

#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "source/access_log/rate_limit_format.h"

namespace proxenos::filters::ratelimit {
namespace {

// As in HitsAddend.number.
constexpr uint64_t kMostHits = 1000000000;

std::optional<uint64_t> Render(const route::RateLimitFormat& format,
                               filter::StreamContext& stream) {
  const absl::string_view text = access_log::RenderRateLimitFormat(format, stream);
  uint64_t hits = 0;
  if (!absl::SimpleAtoi(text, &hits) || hits > kMostHits) return std::nullopt;
  return hits;
}

// RateLimitUnit by name; 0: none of them.
uint32_t UnitOf(absl::string_view name) {
  static constexpr absl::string_view kUnits[] = {"UNKNOWN", "SECOND", "MINUTE", "HOUR",
                                                 "DAY",     "MONTH",  "YEAR"};
  for (uint32_t i = 1; i < std::size(kUnits); ++i) {
    if (name == kUnits[i]) return i;
  }
  return 0;
}

// {"requests_per_unit": 5, "unit": "HOUR"}; anything else is no limit.
void SetLimit(const json::Object* spaces, Question& question) {
  const std::vector<std::string>& path = question.descriptor.limit->limit_path;
  if (path.empty() || spaces == nullptr) return;
  const json::Value* found = json::FindPath(*spaces, path);
  if (found == nullptr || found->object() == nullptr) return;
  const json::Value* requests = json::FindPath(*found->object(), {"requests_per_unit"});
  const json::Value* unit = json::FindPath(*found->object(), {"unit"});
  if (requests == nullptr || unit == nullptr || unit->text() == nullptr) return;
  const std::optional<int64_t> number = requests->integer();
  if (!number.has_value() || *number < 0 || *number > UINT32_MAX) return;
  question.limit_requests = static_cast<uint32_t>(*number);
  question.limit_unit = UnitOf(*unit->text());
}

}  // namespace

std::vector<Question> QuestionsOf(std::vector<filter::Descriptor> descriptors, bool done,
                                  filter::StreamContext& stream) {
  std::vector<Question> questions;
  for (filter::Descriptor& descriptor : descriptors) {
    const route::RateLimit& limit = *descriptor.limit;
    if (limit.on_stream_done != done) continue;
    Question question;
    if (!limit.hits_format.empty()) {
      question.hits = Render(limit.hits_format, stream);
      if (!question.hits.has_value()) continue;
    } else if (limit.counts_hits) {
      question.hits = limit.hits;
    }
    question.descriptor = std::move(descriptor);
    SetLimit(stream.info.metadata.all(), question);
    if (limit.fixed_limit.has_value()) {
      question.limit_requests = limit.fixed_limit->requests;
      question.limit_unit = limit.fixed_limit->unit;
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

}  // namespace proxenos::filters::ratelimit
