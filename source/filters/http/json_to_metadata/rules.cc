// Rule by rule.
#include "source/filters/http/json_to_metadata/rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace proxenos::filters::json_to_metadata {
namespace {

// As in Envoy, a text that is longer is nobody's metadata.
constexpr size_t kMaxValueBytes = 8 * 1024;

class Application {
 public:
  explicit Application(const filter::DynamicMetadata& existing) : existing_(existing) {}

  void Add(const Entry& entry, json::Value value) {
    if (entry.preserves) {
      const json::Object* space = existing_.Find(entry.space);
      if (space != nullptr && space->find(entry.key) != space->end()) return;
    }
    made_[entry.space].insert_or_assign(entry.key, std::move(value));
  }
  void AddFixed(const std::optional<Entry>& entry) {
    if (entry.has_value()) Add(*entry, *entry->value);
  }
  Made Take() { return std::move(made_); }

 private:
  const filter::DynamicMetadata& existing_;
  Made made_;
};

// What stands for a value as text, as Envoy writes it.
std::optional<std::string> TextOf(const json::Value& value) {
  if (const std::string* text = value.text()) return *text;
  if (const bool* flag = value.boolean()) return *flag ? "1" : "0";
  // What was written with a fraction or an exponent is none, though it may have that value.
  const std::optional<int64_t> integer = value.integer();
  if (integer.has_value() && value == json::Value(*integer)) return absl::StrCat(*integer);
  if (const std::optional<double> number = value.number()) return absl::StrFormat("%f", *number);
  return std::nullopt;
}

std::optional<json::Value> NumberOf(const json::Value& value) {
  if (const bool* flag = value.boolean()) return json::Value(*flag ? 1.0 : 0.0);
  if (const std::optional<double> number = value.number()) return json::Value(*number);
  double number;
  const std::string* text = value.text();
  if (text == nullptr || !absl::SimpleAtod(absl::StripAsciiWhitespace(*text), &number)) {
    return std::nullopt;
  }
  return json::Value(number);
}

// Nothing: the value cannot be that, which counts as if it were not there.
std::optional<json::Value> Converted(const Entry& entry, const json::Value& value) {
  if (entry.type == Entry::Type::kNumber) return NumberOf(value);
  std::optional<std::string> text = TextOf(value);
  if (!text.has_value() || text->size() > kMaxValueBytes) return std::nullopt;
  return entry.type == Entry::Type::kText ? json::Value(*std::move(text)) : value;
}

void Apply(const Rule& rule, const json::Value& root, Application& application) {
  const json::Value* value = &root;
  for (const std::string& name : rule.path) {
    const json::Object* object = value->object();
    const auto found = object == nullptr ? json::Object::const_iterator() : object->find(name);
    if (object == nullptr || found == object->end()) return application.AddFixed(rule.missing);
    value = &found->second;
  }
  if (!rule.present.has_value()) return;
  if (rule.present->value.has_value()) return application.AddFixed(rule.present);
  std::optional<json::Value> converted = Converted(*rule.present, *value);
  if (!converted.has_value()) return application.AddFixed(rule.missing);
  // A text of nothing is there, and no metadata.
  const bool nothing = rule.present->type == Entry::Type::kText && converted->text()->empty();
  if (!nothing) application.Add(*rule.present, *std::move(converted));
}

}  // namespace

bool Rules::TakesType(absl::string_view content_type) const {
  if (content_type.empty()) return without_type;
  return std::any_of(types.begin(), types.end(),
                     [content_type](const std::string& type) { return type == content_type; }) ||
         (type_pattern.has_value() && type_pattern->FullMatch(content_type));
}

Made ApplyRules(const Rules& rules, const json::Value& root,
                const filter::DynamicMetadata& existing) {
  Application application(existing);
  for (const Rule& rule : rules.list) Apply(rule, root, application);
  return application.Take();
}

Made ApplyToAll(const Rules& rules, std::optional<Entry> Rule::*entry,
                const filter::DynamicMetadata& existing) {
  Application application(existing);
  for (const Rule& rule : rules.list) application.AddFixed(rule.*entry);
  return application.Take();
}

}  // namespace proxenos::filters::json_to_metadata
