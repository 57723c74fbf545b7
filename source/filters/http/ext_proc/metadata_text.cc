// Keys in their order, fields of a message between blanks, texts escaped as in C.
#include "source/filters/http/ext_proc/metadata_text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "source/json/value.h"

namespace proxenos::filters::ext_proc {
namespace {

// The shortest of the two lengths that protobuf tries which means the same number.
std::string NumberText(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.15g", number);
  if (std::strtod(text, nullptr) != number) std::snprintf(text, sizeof(text), "%.17g", number);
  return text;
}

// Depth: as json::kMaxDepth allows, which whatever reads these keeps to.
void AppendValue(const json::Value& value, std::string& out);

void AppendFields(const json::Object& object, std::string& out) {
  for (const auto& [key, value] : object) {
    absl::StrAppend(&out, "fields { key: \"", absl::CEscape(key), "\" value { ");
    AppendValue(value, out);
    out += "} } ";
  }
}

void AppendValue(const json::Value& value, std::string& out) {
  if (const bool* flag = value.boolean()) {
    absl::StrAppend(&out, "bool_value: ", *flag ? "true " : "false ");
  } else if (const std::string* text = value.text()) {
    absl::StrAppend(&out, "string_value: \"", absl::CEscape(*text), "\" ");
  } else if (const json::List* list = value.list()) {
    out += "list_value { ";
    for (const json::Value& one : *list) {
      out += "values { ";
      AppendValue(one, out);
      out += "} ";
    }
    out += "} ";
  } else if (const json::Object* object = value.object()) {
    out += "struct_value { ";
    AppendFields(*object, out);
    out += "} ";
  } else if (const std::optional<double> number = value.number()) {
    absl::StrAppend(&out, "number_value: ", NumberText(*number), " ");
  } else {
    out += "null_value: NULL_VALUE ";
  }
}

}  // namespace

std::string MetadataText(const cel::Value& spaces, cel::Memory& memory) {
  cel::Items keys;
  spaces.AppendKeys(keys);
  std::sort(keys.begin(), keys.end(),
            [](const cel::Value& a, const cel::Value& b) { return a.text() < b.text(); });
  std::string out;
  for (const cel::Value& key : keys) {
    const std::optional<cel::Value> space = spaces.Find(key, memory);
    if (!space.has_value() || space->kind != cel::Value::Kind::kJsonMap) continue;
    absl::StrAppend(&out, "filter_metadata { key: \"", absl::CEscape(key.text()), "\" value { ");
    AppendFields(*space->json_map, out);
    out += "} } ";
  }
  return out;
}

}  // namespace proxenos::filters::ext_proc
