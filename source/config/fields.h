// Nothing is silently ignored: which fields of the API proxenos honours, which it may leave aside
// and why, and the walk over a message that rejects all others by name.
//
// The table itself is fields_table_*.cc. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "source/config/errors.h"

namespace proxenos::config {

// A field that was set and has no effect, with the reason why that is safe.
struct IgnoredField {
  std::string path;         // Where it stands in the configuration.
  std::string_view field;   // Full name, as in "envoy.config.cluster.v3.Cluster.metadata".
  std::string_view reason;  // A whole sentence from the table.
};

// What a walk met and left aside. count() counts all; the list is bounded.
class IgnoredFields {
 public:
  static constexpr size_t kMaxKept = 1000;

  void Add(IgnoredField field);
  void Append(const IgnoredFields& other);
  size_t count() const { return count_; }
  const std::vector<IgnoredField>& list() const { return list_; }

 private:
  std::vector<IgnoredField> list_;
  size_t count_ = 0;
};

// What becomes of fields that this build's API does not have at all, known by number only. Envoy
// rejects them in its bootstrap and by default passes over them in what a control plane sends.
enum class UnknownFields { kReject, kIgnore };

// Walks every set field of `message`, inside Any and TypedStruct too. A field of the table that is
// honoured passes (its value must be one that the entry allows), one that may be left aside is
// added to `ignored`, any other is an error "field NAME is not implemented by proxenos", with a
// hint where the table has one.
void CheckFields(const google::protobuf::Message& message, Errors& errors, IgnoredFields& ignored,
                 const Path& root = {}, UnknownFields unknown = UnknownFields::kReject);

// One row of the table, as the documentation shows it.
struct FieldRow {
  std::string_view message;  // Full name of a message type, or of a field whose message is meant.
  std::string_view field;    // "*" for all fields; empty for a message that has none.
  enum class Verdict { kHonoured, kIgnored, kRejected } verdict;
  std::string_view note;  // Restriction, reason or hint; may be empty when honoured.
  std::string_view only;  // The only values honoured, with spaces between; empty for all.
};

// All rows in table order. Rejected rows are those with a hint of their own; fields without a row
// are rejected as well.
std::vector<FieldRow> FieldRows();

}  // namespace proxenos::config
