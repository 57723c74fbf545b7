// Kind by kind.
#include "source/match/predicate.h"

#include <algorithm>
#include <utility>

#include "source/base/xxhash64.h"

namespace proxenos::match {

using Answer = Predicate::Answer;

Predicate Predicate::Of(Kind kind, std::vector<Predicate> children) {
  Predicate predicate(kind, 0);
  predicate.children_ = std::move(children);
  return predicate;
}

Predicate Predicate::Text(uint32_t input, StringMatcher matcher, std::optional<Key> key) {
  Predicate predicate(Kind::kText, input);
  predicate.text_ = std::move(matcher);
  predicate.key_ = std::move(key);
  return predicate;
}

Predicate Predicate::Ranges(uint32_t input, IpSet ranges) {
  Predicate predicate(Kind::kRanges, input);
  predicate.ranges_ = std::make_shared<const IpSet>(std::move(ranges));
  return predicate;
}

Predicate Predicate::Metadata(uint32_t input, ValueMatcher matcher, bool invert) {
  Predicate predicate(Kind::kMetadata, input);
  predicate.value_ = std::make_shared<const ValueMatcher>(std::move(matcher));
  predicate.invert_ = invert;
  return predicate;
}

Predicate Predicate::HashShare(uint32_t input, Share share) {
  Predicate predicate(Kind::kHashShare, input);
  predicate.share_ = share;
  return predicate;
}

Predicate Predicate::All(std::vector<Predicate> children) {
  return Of(Kind::kAll, std::move(children));
}

Predicate Predicate::OneOf(std::vector<Predicate> children) {
  return Of(Kind::kOneOf, std::move(children));
}

Predicate Predicate::Not(Predicate child) {
  std::vector<Predicate> one;
  one.push_back(std::move(child));
  return Of(Kind::kNot, std::move(one));
}

// One that can not hold decides, whatever is still to come.
Answer Predicate::AskAll(ReadInput read) const {
  Answer all = Answer::kYes;
  for (const Predicate& child : children_) {
    const Answer answer = child.Ask(read);
    if (answer == Answer::kNo) return answer;
    if (answer == Answer::kLater) all = answer;
  }
  return all;
}

Answer Predicate::AskOneOf(ReadInput read) const {
  Answer any = Answer::kNo;
  for (const Predicate& child : children_) {
    const Answer answer = child.Ask(read);
    if (answer == Answer::kYes) return answer;
    if (answer == Answer::kLater) any = answer;
  }
  return any;
}

bool Predicate::Holds(const Reading& reading) const {
  switch (kind_) {
    case Kind::kText:
      return reading.Any([this](absl::string_view text) { return text_->Matches(text); });
    case Kind::kRanges: {
      if (!reading.ip.empty()) return ranges_->Contains(reading.ip);
      if (reading.state != Reading::State::kThere) return false;
      const std::optional<std::string> ip = ParseIp(reading.text);
      return ip && ranges_->Contains(*ip);
    }
    case Kind::kMetadata:
      return value_->Matches(reading.value) != invert_;
    case Kind::kHashShare:
      return reading.state == Reading::State::kThere &&
             base::XxHash64(reading.text, share_.seed) % share_.modulo >= share_.threshold;
    case Kind::kAll:
    case Kind::kOneOf:
    case Kind::kNot:
      break;
  }
  return false;
}

Answer Predicate::Ask(ReadInput read) const {
  if (kind_ == Kind::kAll) return AskAll(read);
  if (kind_ == Kind::kOneOf) return AskOneOf(read);
  if (kind_ == Kind::kNot) {
    const Answer answer = children_.front().Ask(read);
    if (answer == Answer::kLater) return answer;
    return answer == Answer::kYes ? Answer::kNo : Answer::kYes;
  }
  Reading reading;
  read(input_, reading);
  if (reading.state == Reading::State::kLater) return Answer::kLater;
  return Holds(reading) ? Answer::kYes : Answer::kNo;
}

std::optional<Predicate::Keys> Predicate::LookUpKeys() const {
  if (kind_ == Kind::kText && key_) return Keys{{*key_}, /*decides=*/true};
  if (kind_ == Kind::kOneOf && !children_.empty()) {
    Keys all{{}, /*decides=*/true};
    for (const Predicate& child : children_) {
      auto keys = child.LookUpKeys();
      if (!keys) return std::nullopt;
      std::move(keys->keys.begin(), keys->keys.end(), std::back_inserter(all.keys));
      all.decides &= keys->decides;
    }
    return all;
  }
  if (kind_ != Kind::kAll) return std::nullopt;
  // Any one of them will do: that with the fewest keys, and a whole text rather than a prefix.
  std::optional<Keys> best;
  for (const Predicate& child : children_) {
    auto keys = child.LookUpKeys();
    if (!keys) continue;
    const auto rank = [](const Keys& of) {
      return std::make_pair(of.keys.size(), of.keys.front().prefix);
    };
    if (!best || rank(*keys) < rank(*best)) best = std::move(keys);
  }
  if (best && children_.size() > 1) best->decides = false;
  return best;
}

}  // namespace proxenos::match
