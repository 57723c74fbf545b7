// Look-ups, and the merging of what they find.
#include "source/match/list_index.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace proxenos::match {

ListIndex::Table& ListIndex::TableOf(const Predicate::Key& key) {
  for (Table& table : tables_) {
    if (table.input == key.input && table.prefix == key.prefix && table.fold == key.fold) {
      return table;
    }
  }
  Table table{key.input, key.prefix, key.fold, {}, {}};
  const auto at =
      std::upper_bound(tables_.begin(), tables_.end(), key.input,
                       [](uint32_t input, const Table& other) { return input < other.input; });
  return *tables_.insert(at, std::move(table));
}

void ListIndex::Add(uint32_t entry, const Predicate& predicate) {
  const auto keys = predicate.LookUpKeys();
  if (!keys) {
    others_.push_back(entry);
    return;
  }
  for (const Predicate::Key& key : keys->keys) {
    Table& table = TableOf(key);
    table.entries[key.text].push_back({entry, keys->decides});
    if (!key.prefix) continue;
    const size_t length = key.text.size();
    if (std::find(table.lengths.begin(), table.lengths.end(), length) == table.lengths.end()) {
      table.lengths.push_back(length);
    }
  }
}

void ListIndex::Table::Find(absl::string_view text, Candidates& found) const {
  std::string folded;
  if (fold) {
    folded = absl::AsciiStrToLower(text);
    text = folded;
  }
  const auto take = [&](absl::string_view key) {
    const auto it = entries.find(key);
    if (it != entries.end()) found.insert(found.end(), it->second.begin(), it->second.end());
  };
  if (!prefix) return take(text);
  for (const size_t length : lengths) {
    if (length <= text.size()) take(text.substr(0, length));
  }
}

bool ListIndex::Find(ReadInput read, Candidates& found) const {
  for (size_t i = 0; i < tables_.size();) {
    Reading reading;
    const uint32_t input = tables_[i].input;
    read(input, reading);
    if (reading.state == Reading::State::kLater) return false;
    for (; i < tables_.size() && tables_[i].input == input; ++i) {
      if (reading.state == Reading::State::kAbsent) continue;
      tables_[i].Find(reading.text, found);
      for (absl::string_view one : reading.values) tables_[i].Find(one, found);
    }
  }
  for (const uint32_t entry : others_) found.push_back({entry, false});
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.entry != b.entry ? a.entry < b.entry : a.decided > b.decided;
  });
  found.erase(
      std::unique(found.begin(), found.end(),
                  [](const Candidate& a, const Candidate& b) { return a.entry == b.entry; }),
      found.end());
  return true;
}

}  // namespace proxenos::match
