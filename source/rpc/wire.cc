// Tags, varints and lengths.
#include "source/rpc/wire.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/utf8.h"
#include "source/json/parse.h"

namespace proxenos::rpc {
namespace {

// Of google.protobuf.Value.
enum ValueField : uint32_t {
  kNull = 1,
  kDouble = 2,
  kText = 3,
  kBool = 4,
  kStruct = 5,
  kList = 6,
};

// A `string`, which may hold a client's bytes: a peer throws the whole message away where one is
// not UTF-8, and what it was asked or told with it.
void AppendString(uint32_t field, absl::string_view text, WireWriter& to) {
  if (base::IsUtf8(text)) return to.Text(field, text);
  to.Text(field, base::AsUtf8(text, '!'));  // Envoy's mark.
}

}  // namespace

void WireWriter::Varint(uint64_t value) {
  while (value >= 0x80) {
    out_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out_ += static_cast<char>(value);
}

void WireWriter::Number(uint32_t field, uint64_t value) {
  Varint(uint64_t{field} << 3);
  Varint(value);
}

void WireWriter::Double(uint32_t field, double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  Fixed(field, bits);
}

void WireWriter::Fixed(uint32_t field, uint64_t bits) {
  Varint(uint64_t{field} << 3 | 1);
  for (int i = 0; i < 8; ++i) out_ += static_cast<char>(bits >> (8 * i));
}

void WireWriter::Text(uint32_t field, absl::string_view bytes) {
  Varint(uint64_t{field} << 3 | 2);
  Varint(bytes.size());
  absl::StrAppend(&out_, bytes);
}

size_t WireWriter::Begin(uint32_t field) {
  Varint(uint64_t{field} << 3 | 2);
  return out_.size();
}

// Puts the length, which nobody knew before, in front of what was written since.
void WireWriter::End(size_t start) {
  std::string length;
  WireWriter(length).Varint(out_.size() - start);
  out_.insert(start, length);
}

void WireWriter::Entry(uint32_t field, absl::string_view key, absl::string_view value) {
  Message(field, [key, value](WireWriter& entry) {
    AppendString(1, key, entry);
    AppendString(2, value, entry);
  });
}

void WireWriter::Struct(uint32_t field, const json::Object& object) {
  Message(field, [&object](WireWriter& message) {
    for (const auto& [name, value] : object) {
      message.Message(1, [&name = name, &value = value](WireWriter& entry) {
        AppendString(1, name, entry);
        entry.Value(2, value);
      });
    }
  });
}

void WireWriter::Value(uint32_t field, const json::Value& value) {
  Message(field, [&value](WireWriter& message) {
    if (const bool* boolean = value.boolean()) {
      message.Flag(kBool, *boolean);
    } else if (const std::string* text = value.text()) {
      AppendString(kText, *text, message);
    } else if (const json::Object* object = value.object()) {
      message.Struct(kStruct, *object);
    } else if (const json::List* list = value.list()) {
      message.Message(kList, [list](WireWriter& items) {
        for (const json::Value& item : *list) items.Value(1, item);
      });
    } else if (const auto number = value.number()) {
      message.Double(kDouble, *number);
    } else {
      message.Number(kNull, 0);
    }
  });
}

void WireWriter::Timestamp(uint32_t field, int64_t microseconds) {
  Message(field, [microseconds](WireWriter& message) {
    message.Number(1, static_cast<uint64_t>(microseconds / 1'000'000));
    message.Number(2, static_cast<uint64_t>(microseconds % 1'000'000 * 1000));
  });
}

bool WireReader::TakeVarint(uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(rest_[i]);
    *value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool WireReader::TakeFixed(size_t size) {
  if (rest_.size() < size) return false;
  for (size_t i = 0; i < size; ++i) {
    number_ |= static_cast<uint64_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(size);
  return true;
}

bool WireReader::Next() {
  if (rest_.empty() || !ok_) return false;
  ok_ = false;
  bytes_ = absl::string_view();
  number_ = 0;
  uint64_t tag;
  if (!TakeVarint(&tag) || tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1) return false;
  field_ = static_cast<uint32_t>(tag >> 3);
  type_ = static_cast<uint32_t>(tag & 7);
  switch (type_) {
    case kVarint:
      ok_ = TakeVarint(&number_);
      break;
    case kFixed64:
      ok_ = TakeFixed(8);
      break;
    case kFixed32:
      ok_ = TakeFixed(4);
      break;
    case kLength: {
      uint64_t size;
      if (!TakeVarint(&size) || size > rest_.size()) return false;
      bytes_ = rest_.substr(0, size);
      rest_.remove_prefix(size);
      ok_ = true;
      break;
    }
    default:  // Groups, which proto3 has not.
      break;
  }
  return ok_;
}

double WireReader::real() const {
  double value;
  std::memcpy(&value, &number_, sizeof(value));
  return value;
}

namespace {

bool ReadObject(absl::string_view message, int depth, json::Object* object);

bool ReadValue(absl::string_view message, int depth, json::Value* value) {
  WireReader reader(message);
  while (reader.Next()) {
    switch (reader.field()) {
      case kDouble:
        *value = json::Value(reader.real());
        break;
      case kText:
        *value = json::Value(std::string(reader.bytes()));
        break;
      case kBool:
        *value = json::Value(reader.number() != 0);
        break;
      case kStruct: {
        json::Object object;
        if (depth == 0 || !ReadObject(reader.bytes(), depth - 1, &object)) return false;
        *value = json::Value(std::move(object));
        break;
      }
      case kList: {
        json::List list;
        if (depth == 0) return false;
        WireReader items(reader.bytes());
        while (items.Next()) {
          if (items.field() != 1) continue;
          if (!ReadValue(items.bytes(), depth - 1, &list.emplace_back())) return false;
        }
        if (!items.ok()) return false;
        *value = json::Value(std::move(list));
        break;
      }
      default:  // Null, or a kind that is yet to come.
        *value = json::Value();
        break;
    }
  }
  return reader.ok();
}

bool ReadObject(absl::string_view message, int depth, json::Object* object) {
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.field() != 1) continue;
    WireReader entry(reader.bytes());
    std::string name;
    json::Value value;
    while (entry.Next()) {
      if (entry.field() == 1) name = std::string(entry.bytes());
      if (entry.field() == 2 && !ReadValue(entry.bytes(), depth, &value)) return false;
    }
    if (!entry.ok()) return false;
    object->insert_or_assign(std::move(name), std::move(value));
  }
  return reader.ok();
}

}  // namespace

std::optional<json::Object> ReadStruct(absl::string_view message) {
  json::Object object;
  if (!ReadObject(message, json::kMaxDepth, &object)) return std::nullopt;
  return object;
}

}  // namespace proxenos::rpc
