// Which values of a JSON text become which metadata.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filter/stream_notes.h"
#include "source/json/value.h"
#include "source/match/regex.h"

namespace proxenos::filters::json_to_metadata {

// JsonToMetadata.KeyValuePair
struct Entry {
  enum class Type : uint8_t { kAsIs, kText, kNumber };
  std::string space;
  std::string key;
  std::optional<json::Value> value;  // None: that of the text.
  Type type = Type::kAsIs;
  bool preserves = false;  // What another filter has written stays.
};

struct Rule {
  std::vector<std::string> path;  // At least one name.
  std::optional<Entry> present;
  std::optional<Entry> missing;  // With a value, as has the next.
  std::optional<Entry> error;
};

// JsonToMetadata.MatchRules
struct Rules {
  std::vector<Rule> list;
  std::vector<std::string> types;  // Of content, as they are written.
  std::optional<match::Regex> type_pattern;
  bool without_type = false;  // Content whose type is not said is looked at too.

  bool TakesType(absl::string_view content_type) const;
};

// Metadata that was made, by namespace, to be merged into that of the stream.
using Made = std::map<std::string, json::Object>;

// Of a text that was read: `root` may be anything that JSON has.
Made ApplyRules(const Rules& rules, const json::Value& root,
                const filter::DynamicMetadata& existing);
// Of each rule the entry for what is not there, or could not be read.
Made ApplyToAll(const Rules& rules, std::optional<Entry> Rule::*entry,
                const filter::DynamicMetadata& existing);

}  // namespace proxenos::filters::json_to_metadata
