// From bodies to values.
#include "source/filters/http/json_to_metadata/filter.h"

#include <utility>

#include "source/json/parse.h"

namespace proxenos::filters::json_to_metadata {

using filter::BodyNeed;
using filter::Direction;
using filter::Verdict;

BodyNeed JsonToMetadata::NeedOf(Direction direction, const http::HeaderMap& headers,
                                const BodyNeed& declared) const {
  const std::optional<Rules>& rules = settings_.rules[static_cast<int>(direction)];
  const bool looks =
      rules.has_value() && rules->TakesType(headers.Get(http::HeaderId::kContentType));
  return looks ? BodyNeed{filter::BodyMode::kBuffer, kMaxBodyBytes} : declared;
}

BodyNeed JsonToMetadata::RequestBodyNeed(const BodyNeed& declared) const {
  return NeedOf(Direction::kRequest, stream_.request.headers, declared);
}
BodyNeed JsonToMetadata::ResponseBodyNeed(const BodyNeed& declared) const {
  return NeedOf(Direction::kResponse, stream_.response.headers, declared);
}

Made JsonToMetadata::Read(Direction direction, const http::HeaderMap& headers) {
  const Rules& rules = *settings_.rules[static_cast<int>(direction)];
  const filter::Parts& in =
      direction == Direction::kRequest ? stream_.request_in : stream_.response_in;
  const auto count = [this, direction](stats::Counter JsonToMetadataStats::*counter) {
    if (part_ != nullptr) ((*part_->stats[static_cast<int>(direction)]).*counter).Inc();
  };
  const filter::DynamicMetadata& existing = stream_.info.metadata;
  // What a filter before this one has given another type was not waited for.
  if (!rules.TakesType(headers.Get(http::HeaderId::kContentType)) || !in.end) {
    count(&JsonToMetadataStats::mismatched_content_type);
    return ApplyToAll(rules, &Rule::error, existing);
  }
  if (in.body.empty()) {
    count(&JsonToMetadataStats::no_body);
    return ApplyToAll(rules, &Rule::missing, existing);
  }
  const std::optional<json::Value> root = json::Parse(in.body.ToString());
  if (!root.has_value()) {
    count(&JsonToMetadataStats::invalid_json_body);
    return ApplyToAll(rules, &Rule::error, existing);
  }
  count(&JsonToMetadataStats::success);
  return ApplyRules(rules, *root, existing);
}

void JsonToMetadata::Keep(Made made) {
  for (auto& [space, values] : made) stream_.info.metadata.Merge(space, std::move(values));
}

Verdict JsonToMetadata::OnRequestHeaders(http::RequestHead& head, bool) {
  if (!settings_.rules[0].has_value()) return Verdict::kContinue;
  Made made = Read(Direction::kRequest, head.headers);
  if (made.empty()) return Verdict::kContinue;
  Keep(std::move(made));
  stream_.Reroute();  // Routes may go by it.
  return Verdict::kContinue;
}

Verdict JsonToMetadata::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (!settings_.rules[1].has_value()) return Verdict::kContinue;
  Keep(Read(Direction::kResponse, head.headers));
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::json_to_metadata
