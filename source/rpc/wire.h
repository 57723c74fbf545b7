// The wire format of protobuf, for the few messages that are made and read while requests pass:
// written straight into a string, read field by field without a copy.
//
// (https://protobuf.dev/programming-guides/encoding) Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/json/value.h"

namespace proxenos::rpc {

// Appends fields to a message. What is empty or 0 is written like anything else: the caller knows
// whether it stands in a oneof.
class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  void Number(uint32_t field, uint64_t value);
  void Flag(uint32_t field, bool value) { Number(field, value ? 1 : 0); }
  void Double(uint32_t field, double value);
  // fixed64 and sfixed64.
  void Fixed(uint32_t field, uint64_t bits);
  void Text(uint32_t field, absl::string_view bytes);
  // fill(WireWriter&) writes the fields of the message in `field`.
  template <typename Fill>
  void Message(uint32_t field, Fill fill) {
    const size_t start = Begin(field);
    fill(*this);
    End(start);
  }
  // An entry of map<string, string>.
  void Entry(uint32_t field, absl::string_view key, absl::string_view value);
  // google.protobuf.Struct, Value and Timestamp.
  void Struct(uint32_t field, const json::Object& object);
  void Value(uint32_t field, const json::Value& value);
  void Timestamp(uint32_t field, int64_t microseconds);

 private:
  void Varint(uint64_t value);
  size_t Begin(uint32_t field);
  void End(size_t start);

  std::string& out_;
};

// Reads the fields of one message in the order in which they come. Bytes come from a peer: whatever
// they are, a field lies within them.
//
//   WireReader reader(bytes);
//   while (reader.Next()) { if (reader.field() == 1) … reader.bytes() … }
//   if (!reader.ok()) …
class WireReader {
 public:
  explicit WireReader(absl::string_view message) : rest_(message) {}

  // The next field. False at the end, and where the message is broken (ok() says which).
  bool Next();
  bool ok() const { return ok_; }

  uint32_t field() const { return field_; }
  // Of a text, bytes or message; else empty.
  absl::string_view bytes() const { return bytes_; }
  bool has_bytes() const { return type_ == kLength; }
  // Of a varint, or the bits of a fixed number; else 0.
  uint64_t number() const { return number_; }
  double real() const;

 private:
  static constexpr uint32_t kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;
  bool TakeVarint(uint64_t* value);
  bool TakeFixed(size_t size);

  absl::string_view rest_;
  absl::string_view bytes_;
  uint64_t number_ = 0;
  uint32_t field_ = 0;
  uint32_t type_ = 0;
  bool ok_ = true;
};

// google.protobuf.Struct; nothing when it is broken or nested more deeply than json::kMaxDepth.
std::optional<json::Object> ReadStruct(absl::string_view message);

}  // namespace proxenos::rpc
