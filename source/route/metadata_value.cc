// The wire format (protobuf.dev/programming-guides/encoding) of struct.proto's messages.
#include "source/route/metadata_value.h"

#include <cstdint>
#include <cstring>

namespace proxenos::route {
namespace {

// Tags: the field's number and how it is written.
constexpr char kNull = 0x08;     // null_value = 1, a varint
constexpr char kNumber = 0x11;   // number_value = 2, 64 bits
constexpr char kText = 0x1a;     // string_value = 3
constexpr char kBoolean = 0x20;  // bool_value = 4, a varint
constexpr char kObject = 0x2a;   // struct_value = 5
constexpr char kList = 0x32;     // list_value = 6
constexpr char kElement = 0x0a;  // ListValue.values, Struct.fields, and the key of a field
constexpr char kFieldValue = 0x12;

void AppendLength(uint64_t length, std::string& out) {
  for (; length >= 0x80; length >>= 7) out.push_back(static_cast<char>(length | 0x80));
  out.push_back(static_cast<char>(length));
}

void AppendBytes(char tag, const std::string& bytes, std::string& out) {
  out.push_back(tag);
  AppendLength(bytes.size(), out);
  out += bytes;
}

void AppendNumber(double number, std::string& out) {
  out.push_back(kNumber);
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(bits >> (8 * i)));
}

std::string Serialized(const json::Value& value) {
  std::string bytes;
  AppendProtoValue(value, bytes);
  return bytes;
}

}  // namespace

void AppendProtoValue(const json::Value& value, std::string& out) {
  if (const std::string* text = value.text()) {
    AppendBytes(kText, *text, out);
  } else if (const bool* boolean = value.boolean()) {
    out.push_back(kBoolean);
    out.push_back(*boolean ? 1 : 0);
  } else if (const json::Object* object = value.object()) {
    std::string fields;
    for (const auto& [name, member] : *object) {
      std::string field;
      AppendBytes(kElement, name, field);
      AppendBytes(kFieldValue, Serialized(member), field);
      AppendBytes(kElement, field, fields);
    }
    AppendBytes(kObject, fields, out);
  } else if (const json::List* list = value.list()) {
    std::string elements;
    for (const json::Value& element : *list) AppendBytes(kElement, Serialized(element), elements);
    AppendBytes(kList, elements, out);
  } else if (value.is_null()) {
    out.push_back(kNull);
    out.push_back(0);
  } else {
    AppendNumber(value.number().value_or(0), out);
  }
}

}  // namespace proxenos::route
