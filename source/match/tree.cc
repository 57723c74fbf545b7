// Walking down.
#include "source/match/tree.h"

#include <string>
#include <utility>

#include "source/match/ip_set.h"

namespace proxenos::match {
namespace {

// Lists up to this long are walked: that is faster than looking up.
constexpr size_t kWalkedEntries = 4;

}  // namespace

MatchTree::MatchTree(std::vector<Entry> list, std::unique_ptr<const Map> map,
                     std::optional<OnMatch> otherwise)
    : list_(std::move(list)), map_(std::move(map)), otherwise_(std::move(otherwise)) {
  if (list_.size() <= kWalkedEntries) return;
  auto index = std::make_unique<ListIndex>();
  for (size_t i = 0; i < list_.size(); ++i) {
    index->Add(static_cast<uint32_t>(i), list_[i].predicate);
  }
  index_ = std::move(index);
}

Found MatchTree::Follow(const OnMatch& on_match, ReadInput read, bool by_index) {
  const Found found = on_match.tree == nullptr ? Found{Found::State::kAction, on_match.action}
                                               : on_match.tree->Find(read, by_index);
  if (on_match.keeps_matching && found.state == Found::State::kAction) return Found{};
  return found;
}

Found MatchTree::FindInList(ReadInput read, bool by_index) const {
  const auto ask = [&](const Entry& entry, bool holds) -> Found {
    const Predicate::Answer answer = holds ? Predicate::Answer::kYes : entry.predicate.Ask(read);
    if (answer == Predicate::Answer::kLater) return Found{Found::State::kLater};
    if (answer == Predicate::Answer::kNo) return Found{};
    return Follow(entry.on_match, read, by_index);
  };
  ListIndex::Candidates candidates;
  if (by_index && index_ != nullptr && index_->Find(read, candidates)) {
    for (const ListIndex::Candidate& candidate : candidates) {
      const Found found = ask(list_[candidate.entry], candidate.decided);
      if (found.state != Found::State::kNothing) return found;
    }
    return Found{};
  }
  for (const Entry& entry : list_) {
    const Found found = ask(entry, false);
    if (found.state != Found::State::kNothing) return found;
  }
  return Found{};
}

Found MatchTree::FindInRanges(const RangeMap& map, const Reading& address, ReadInput read,
                              bool by_index) {
  std::string parsed;
  absl::string_view ip = address.ip;
  if (ip.empty()) {
    parsed = ParseIp(address.text).value_or(std::string());
    ip = parsed;
  }
  Found found;
  bool narrowest = true;
  map.ranges.Visit(ip, [&map, &found, &narrowest, read, by_index](uint32_t number) {
    const RangeMap::Entry& entry = map.entries[number];
    if (!narrowest && entry.exclusive) return true;
    found = Follow(entry.on_match, read, by_index);
    narrowest = false;
    return found.state == Found::State::kNothing;
  });
  return found;
}

Found MatchTree::FindInMap(ReadInput read, bool by_index) const {
  Reading reading;
  read(map_->input, reading);
  if (reading.state == Reading::State::kLater) return Found{Found::State::kLater};
  if (reading.state == Reading::State::kAbsent) return Found{};
  if (map_->by_range != nullptr) return FindInRanges(*map_->by_range, reading, read, by_index);
  const absl::string_view text = reading.text;
  if (!map_->prefixes) {
    const auto it = map_->entries.find(text);
    return it == map_->entries.end() ? Found{} : Follow(it->second, read, by_index);
  }
  for (const size_t length : map_->lengths) {
    if (length > text.size()) continue;
    const auto it = map_->entries.find(text.substr(0, length));
    if (it == map_->entries.end()) continue;
    const Found found = Follow(it->second, read, by_index);
    if (found.state != Found::State::kNothing) return found;
  }
  return Found{};
}

Found MatchTree::Find(ReadInput read, bool by_index) const {
  Found found = FindInList(read, by_index);
  if (found.state != Found::State::kNothing) return found;
  if (map_ != nullptr) found = FindInMap(read, by_index);
  if (found.state != Found::State::kNothing || !otherwise_) return found;
  return Follow(*otherwise_, read, by_index);
}

Found MatchTree::Find(ReadInput read) const { return Find(read, /*by_index=*/true); }

Found MatchTree::FindInOrder(ReadInput read) const { return Find(read, /*by_index=*/false); }

}  // namespace proxenos::match
