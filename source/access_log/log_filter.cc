// Evaluation of access log filters.
#include "source/access_log/log_filter.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "source/access_log/attributes.h"
#include "source/access_log/operator_reads.h"
#include "source/base/random.h"

namespace proxenos::access_log {
namespace {

uint64_t RandomBits() {
  thread_local base::Random random(base::RandomSeed());
  return random.Next();
}

// The first 32 bits of a UUID, so that all who sample by x-request-id choose the same requests.
std::optional<uint64_t> RequestIdBits(const FormatInput& input) {
  if (input.request == nullptr) return std::nullopt;
  const absl::string_view id = input.request->headers.Get(http::HeaderId::kXRequestId).substr(0, 8);
  uint32_t bits;
  if (id.size() != 8 || !absl::SimpleHexAtoi(id, &bits)) return std::nullopt;
  return bits;
}

}  // namespace

LogFilter LogFilter::Always(bool passes) {
  LogFilter filter(Kind::kAlways);
  filter.flag_ = passes;
  return filter;
}

LogFilter LogFilter::StatusCode(Comparison comparison, runtime::IntegerSetting value) {
  LogFilter filter(Kind::kStatus);
  filter.comparison_ = comparison;
  filter.threshold_ = std::move(value);
  return filter;
}

LogFilter LogFilter::DurationMs(Comparison comparison, runtime::IntegerSetting value) {
  LogFilter filter(Kind::kDuration);
  filter.comparison_ = comparison;
  filter.threshold_ = std::move(value);
  return filter;
}

LogFilter LogFilter::AnyFlag(uint32_t flags) {
  LogFilter filter(Kind::kFlags);
  filter.bits_ = flags == 0 ? UINT32_MAX : flags;
  return filter;
}

LogFilter LogFilter::Header(route::HeaderMatcher matcher) {
  LogFilter filter(Kind::kHeader);
  filter.header_.emplace(std::move(matcher));
  return filter;
}

LogFilter LogFilter::GrpcStatus(uint32_t statuses, bool exclude) {
  LogFilter filter(Kind::kGrpc);
  filter.bits_ = statuses;
  filter.flag_ = exclude;
  return filter;
}

LogFilter LogFilter::Type(uint32_t types, bool exclude) {
  LogFilter filter(Kind::kType);
  filter.bits_ = types;
  filter.flag_ = exclude;
  return filter;
}

LogFilter LogFilter::Sample(Sampling sampling) {
  LogFilter filter(Kind::kSample);
  filter.sampling_ = std::move(sampling);
  return filter;
}

LogFilter LogFilter::All(std::vector<LogFilter> filters) {
  LogFilter filter(Kind::kAll);
  filter.children_ = std::move(filters);
  return filter;
}

LogFilter LogFilter::Any(std::vector<LogFilter> filters) {
  LogFilter filter(Kind::kAny);
  filter.children_ = std::move(filters);
  return filter;
}

LogFilter LogFilter::Metadata(std::vector<std::string> path,
                              std::optional<match::ValueMatcher> matcher, bool if_absent) {
  LogFilter filter(Kind::kMetadata);
  filter.path_ = std::move(path);
  filter.value_ = std::move(matcher);
  filter.flag_ = if_absent;
  return filter;
}

LogFilter LogFilter::Expression(std::shared_ptr<const cel::Expression> expression) {
  LogFilter filter(Kind::kExpression);
  filter.expression_ = std::move(expression);
  return filter;
}

bool LogFilter::PassesMetadata(const FormatInput& input) const {
  const json::Object* spaces = input.stream->metadata.all();
  const json::Value* value =
      spaces == nullptr || path_.empty() ? nullptr : json::FindPath(*spaces, path_);
  if (value == nullptr) return flag_;
  return value_.has_value() && value_->Matches(value);
}

bool LogFilter::PassesComparison(uint64_t value, const FormatInput& input) const {
  const uint64_t threshold = threshold_.Get(input.runtime);
  switch (comparison_) {
    case Comparison::kEqual:
      return value == threshold;
    case Comparison::kAtLeast:
      return value >= threshold;
    case Comparison::kAtMost:
      return value <= threshold;
    case Comparison::kNotEqual:
      return value != threshold;
  }
  return false;
}

bool LogFilter::PassesSampling(const FormatInput& input) const {
  std::optional<uint64_t> bits;
  if (!sampling_.independent) bits = RequestIdBits(input);
  return bits.value_or(RandomBits()) % sampling_.denominator <
         sampling_.numerator.Get(input.runtime);
}

bool LogFilter::Passes(const FormatInput& input) const {
  const filter::StreamInfo& stream = *input.stream;
  switch (kind_) {
    case Kind::kAlways:
      return flag_;
    case Kind::kStatus:
      return PassesComparison(stream.response_code, input);
    case Kind::kDuration:
      if (stream.complete == 0) return false;
      return PassesComparison(
          static_cast<uint64_t>((stream.complete - stream.start) / base::kMillisecond), input);
    case Kind::kFlags:
      return (stream.flags & bits_) != 0;
    case Kind::kHeader:
      return input.request != nullptr && header_->Matches(*input.request);
    case Kind::kGrpc: {
      const uint64_t status = GrpcStatusOf(input).value_or(2);  // 2: unknown.
      const bool listed = status < 32 && (bits_ >> status & 1) != 0;
      return listed != flag_;
    }
    case Kind::kType:
      return ((bits_ >> static_cast<uint32_t>(input.type) & 1) != 0) != flag_;
    case Kind::kSample:
      return PassesSampling(input);
    case Kind::kNotHealthCheck:
      return !stream.health_check;
    case Kind::kTraced:
      return stream.trace != nullptr && stream.trace->sampled;
    case Kind::kMetadata:
      return PassesMetadata(input);
    case Kind::kExpression:
      return expression_->Holds(AttributesOf(input));
    case Kind::kAll:
      for (const LogFilter& child : children_) {
        if (!child.Passes(input)) return false;
      }
      return true;
    case Kind::kAny:
      for (const LogFilter& child : children_) {
        if (child.Passes(input)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace proxenos::access_log
