// By way of protobuf's own JSON and reflection.
#include "source/filters/http/grpc_json_transcoder/messages.h"

#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "source/base/utf8.h"
#include "source/json/quoted.h"

namespace proxenos::filters::grpc_json_transcoder {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr absl::string_view kUnknownField = "Cannot find field.";
constexpr char kUrlPrefix[] = "type.googleapis.com";

std::string UrlOf(const pb::Descriptor& type) {
  return absl::StrCat(kUrlPrefix, "/", std::string(type.full_name()));
}

pb::StringPiece Piece(absl::string_view text) { return pb::StringPiece(text.data(), text.size()); }

// Takes no more than so much.
class BoundedOutput final : public pb::io::ZeroCopyOutputStream {
 public:
  BoundedOutput(std::string* out, size_t max_bytes) : stream_(out), max_bytes_(max_bytes) {}
  bool Next(void** data, int* size) override {
    full_ |= static_cast<size_t>(stream_.ByteCount()) > max_bytes_;
    return !full_ && stream_.Next(data, size);
  }
  void BackUp(int count) override { stream_.BackUp(count); }
  int64_t ByteCount() const override { return stream_.ByteCount(); }
  bool full() const { return full_; }

 private:
  pb::io::StringOutputStream stream_;
  const size_t max_bytes_;
  bool full_ = false;
};

const FieldDescriptor* FieldOf(const pb::Descriptor& type, const std::string& name) {
  if (const FieldDescriptor* field = type.FindFieldByName(name)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) return type.field(i);
  }
  return nullptr;
}

// Whether the field of a number was read, and set or added.
template <typename Number>
using Put = void (pb::Reflection::*)(pb::Message*, const FieldDescriptor*, Number) const;

template <typename Number>
bool SetNumber(const std::string& text, const FieldDescriptor& field, pb::Message& message,
               Put<Number> set, Put<Number> add) {
  Number value;
  bool fits;
  if constexpr (std::is_same_v<Number, float>) {
    fits = absl::SimpleAtof(text, &value);
  } else if constexpr (std::is_same_v<Number, double>) {
    fits = absl::SimpleAtod(text, &value);
  } else {
    fits = absl::SimpleAtoi(text, &value);
  }
  const pb::Reflection& to = *message.GetReflection();
  if (fits) (to.*(field.is_repeated() ? add : set))(&message, &field, value);
  return fits;
}

const pb::EnumValueDescriptor* EnumValue(const pb::EnumDescriptor& type, const std::string& text,
                                         bool any_case) {
  if (const auto* value = type.FindValueByName(text)) return value;
  for (int i = 0; any_case && i < type.value_count(); ++i) {
    if (absl::EqualsIgnoreCase(type.value(i)->name(), text)) return type.value(i);
  }
  int32_t number;
  return absl::SimpleAtoi(text, &number) ? type.FindValueByNumber(number) : nullptr;
}

bool SetText(const FieldDescriptor& field, const std::string& text, pb::Message& message) {
  std::string value = text;
  if (field.type() == FieldDescriptor::TYPE_STRING && !base::IsUtf8(text)) return false;
  if (field.type() == FieldDescriptor::TYPE_BYTES && !absl::WebSafeBase64Unescape(text, &value) &&
      !absl::Base64Unescape(text, &value)) {
    return false;
  }
  const pb::Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) {
    reflection.AddString(&message, &field, std::move(value));
  } else {
    reflection.SetString(&message, &field, std::move(value));
  }
  return true;
}

// Of the messages that JSON has as one text: Timestamp, wrappers and the like.
bool SetMessage(const FieldDescriptor& field, const std::string& text, const MessageTypes& types,
                pb::Message& message) {
  const pb::Descriptor& type = *field.message_type();
  if (field.is_map() || type.well_known_type() == pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    return false;
  }
  std::string json;
  json::AppendQuoted(text, json);
  const auto bytes = types.FromJson(type, json, false);
  if (!bytes.ok()) return false;
  const pb::Reflection& reflection = *message.GetReflection();
  pb::Message* const made = field.is_repeated() ? reflection.AddMessage(&message, &field)
                                                : reflection.MutableMessage(&message, &field);
  return made->ParseFromString(*bytes);
}

bool SetEnum(const FieldDescriptor& field, const std::string& text, bool any_case,
             pb::Message& message) {
  const pb::EnumValueDescriptor* const value = EnumValue(*field.enum_type(), text, any_case);
  if (value == nullptr) return false;
  const pb::Reflection& to = *message.GetReflection();
  if (field.is_repeated()) {
    to.AddEnum(&message, &field, value);
  } else {
    to.SetEnum(&message, &field, value);
  }
  return true;
}

bool SetBool(const FieldDescriptor& field, const std::string& text, pb::Message& message) {
  bool value;
  if (!absl::SimpleAtob(text, &value)) return false;  // As protobuf's own JSON takes texts.
  const pb::Reflection& to = *message.GetReflection();
  if (field.is_repeated()) {
    to.AddBool(&message, &field, value);
  } else {
    to.SetBool(&message, &field, value);
  }
  return true;
}

bool SetLast(const FieldDescriptor& field, const std::string& text, bool any_case_enums,
             const MessageTypes& types, pb::Message& message) {
  using R = pb::Reflection;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return SetNumber<int32_t>(text, field, message, &R::SetInt32, &R::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return SetNumber<int64_t>(text, field, message, &R::SetInt64, &R::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return SetNumber<uint32_t>(text, field, message, &R::SetUInt32, &R::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return SetNumber<uint64_t>(text, field, message, &R::SetUInt64, &R::AddUInt64);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return SetNumber<float>(text, field, message, &R::SetFloat, &R::AddFloat);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return SetNumber<double>(text, field, message, &R::SetDouble, &R::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL:
      return SetBool(field, text, message);
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(field, text, any_case_enums, message);
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(field, text, message);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(field, text, types, message);
  }
  return false;
}

// The message that has the last field of the path; null: it is not there.
const pb::Message* HolderOf(const FieldPath& path, const pb::Message& message) {
  const pb::Message* at = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (!at->GetReflection()->HasField(*at, path[i])) return nullptr;
    at = &at->GetReflection()->GetMessage(*at, path[i]);
  }
  return at;
}

}  // namespace

MessageTypes::MessageTypes(std::unique_ptr<pb::DescriptorPool> pool)
    : pool_(std::move(pool)),
      resolver_(pb::util::NewTypeResolverForDescriptorPool(kUrlPrefix, pool_.get())),
      factory_(pool_.get()) {}

const pb::Message& MessageTypes::PrototypeOf(const pb::Descriptor& type) const {
  return *factory_.GetPrototype(&type);
}

absl::StatusOr<std::string> MessageTypes::FromJson(const pb::Descriptor& type,
                                                   absl::string_view json,
                                                   bool any_case_enums) const {
  pb::util::JsonParseOptions options;
  options.case_insensitive_enum_parsing = any_case_enums;
  std::string bytes;
  auto status =
      pb::util::JsonToBinaryString(resolver_.get(), UrlOf(type), Piece(json), &bytes, options);
  // Unknown fields are left out, as in Envoy; not so unknown values of enums, which the library
  // would leave out with them.
  if (!status.ok() && absl::StrContains(std::string(status.message()), kUnknownField)) {
    options.ignore_unknown_fields = true;
    bytes.clear();
    status =
        pb::util::JsonToBinaryString(resolver_.get(), UrlOf(type), Piece(json), &bytes, options);
  }
  if (status.ok()) return bytes;
  const auto why = status.message();
  return absl::InvalidArgumentError(absl::string_view(why.data(), why.size()));
}

absl::StatusOr<std::string> MessageTypes::ToJson(const pb::Descriptor& type,
                                                 absl::string_view bytes,
                                                 const pb::util::JsonPrintOptions& options,
                                                 size_t max_bytes) const {
  std::string json;
  pb::io::ArrayInputStream in(bytes.data(), static_cast<int>(bytes.size()));
  bool full;
  bool good;
  {
    BoundedOutput out(&json, max_bytes);
    good = pb::util::BinaryToJsonStream(resolver_.get(), UrlOf(type), &in, &out, options).ok();
    full = out.full();
  }
  if (full) return absl::ResourceExhaustedError("the JSON of a message is too large");
  if (!good) return absl::InvalidArgumentError("not a message of the method's type");
  return json;
}

absl::StatusOr<FieldPath> FindField(const pb::Descriptor& type,
                                    const std::vector<std::string>& names) {
  if (names.size() > kMaxFieldNames) {
    return absl::InvalidArgumentError("a field that is nested too deep");
  }
  FieldPath path;
  const pb::Descriptor* at = &type;
  for (const std::string& name : names) {
    const FieldDescriptor* field = at == nullptr ? nullptr : FieldOf(*at, name);
    if (field == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("Could not find field \"", name,
                                                     "\" in the type \"",
                                                     std::string(type.full_name()), "\"."));
    }
    path.push_back(field);
    at = field->is_repeated() ? nullptr : field->message_type();
  }
  return path;
}

absl::Status SetField(const FieldPath& path, const std::string& text, bool any_case_enums,
                      const MessageTypes& types, pb::Message& message) {
  pb::Message* at = &message;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    at = at->GetReflection()->MutableMessage(at, path[i]);
  }
  if (SetLast(*path.back(), text, any_case_enums, types, *at)) return absl::OkStatus();
  const FieldDescriptor& field = *path.back();
  const std::string type = field.enum_type() != nullptr
                               ? absl::StrCat(kUrlPrefix, "/", field.enum_type()->full_name())
                           : field.message_type() != nullptr
                               ? UrlOf(*field.message_type())
                               : absl::StrCat("TYPE_", absl::AsciiStrToUpper(field.type_name()));
  std::string name;
  for (const FieldDescriptor* one : path) {
    absl::StrAppend(&name, name.empty() ? "" : ".", one->name());
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": invalid value \"", text, "\" for type ", type));
}

bool Differs(const FieldPath& path, const pb::Message& one, const pb::Message& other) {
  const pb::Message* const a = HolderOf(path, one);
  const pb::Message* const b = HolderOf(path, other);
  const FieldDescriptor* const field = path.back();
  if (a == nullptr || b == nullptr || field->is_repeated()) return false;
  if (!a->GetReflection()->HasField(*a, field) || !b->GetReflection()->HasField(*b, field)) {
    return false;
  }
  std::string text_a, text_b;
  pb::TextFormat::PrintFieldValueToString(*a, field, -1, &text_a);
  pb::TextFormat::PrintFieldValueToString(*b, field, -1, &text_b);
  return text_a != text_b;
}

absl::StatusOr<std::vector<absl::string_view>> SplitArray(absl::string_view json) {
  json = absl::StripAsciiWhitespace(json);
  if (json.size() < 2 || json.front() != '[' || json.back() != ']') {
    return absl::InvalidArgumentError("expected an array with the messages of the stream");
  }
  json = json.substr(1, json.size() - 2);
  std::vector<absl::string_view> elements;
  size_t depth = 0, begin = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    } else if (c == ',' && depth == 0) {
      if (elements.size() + 1 == kMaxElements) {
        return absl::InvalidArgumentError("too many messages in the stream");
      }
      elements.push_back(json.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  const absl::string_view last = absl::StripAsciiWhitespace(json.substr(begin));
  if (!last.empty() || !elements.empty()) elements.push_back(last);
  return elements;
}

}  // namespace proxenos::filters::grpc_json_transcoder
