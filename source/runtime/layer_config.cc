// From protobuf values to entries.
#include "source/runtime/layer_config.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "envoy/type/v3/percent.pb.h"
#include "source/config/text.h"

namespace proxenos::runtime {
namespace {

using envoy::type::v3::FractionalPercent;
using google::protobuf::Struct;
using ProtoValue = google::protobuf::Value;

// Structs nest in each other.
constexpr int kMaxDepth = 32;

std::string_view View(absl::string_view text) { return {text.data(), text.size()}; }

Value OfNumber(double number, std::string text) {
  Value value;
  value.text = std::move(text);
  value.number = number;
  // Two to the 64th is the first that does not fit.
  if (number >= 0 && number < 18446744073709551616.0) value.integer = static_cast<uint64_t>(number);
  return value;
}

Value OfBool(bool boolean, std::string text) {
  Value value;
  value.text = std::move(text);
  value.boolean = boolean;
  return value;
}

// A number, a switch, or text in quotes for those.
Value OfText(const std::string& text) {
  const absl::string_view word = absl::StripAsciiWhitespace(text);
  double number;
  if (absl::SimpleAtod(word, &number) && std::isfinite(number)) return OfNumber(number, text);
  if (absl::EqualsIgnoreCase(word, "true")) return OfBool(true, text);
  if (absl::EqualsIgnoreCase(word, "false")) return OfBool(false, text);
  Value value;
  value.text = text;
  return value;
}

bool IsFraction(const Struct& config) {
  return config.fields().contains("numerator") || config.fields().contains("denominator");
}

// A FractionalPercent written as a struct; nothing when it is none.
std::optional<Value> OfFraction(const Struct& config) {
  Value value;
  value.fraction.emplace();
  std::string word = "HUNDRED";
  for (const auto& [key, field] : config.fields()) {
    if (key == "numerator" && field.has_number_value() && field.number_value() >= 0 &&
        field.number_value() <= UINT32_MAX) {
      value.fraction->numerator = static_cast<uint32_t>(field.number_value());
    } else if (key == "denominator" && field.has_string_value()) {
      word = absl::AsciiStrToUpper(field.string_value());
    } else {
      return std::nullopt;
    }
  }
  if (word == "TEN_THOUSAND") {
    value.fraction->denominator = 10'000;
  } else if (word == "MILLION") {
    value.fraction->denominator = 1'000'000;
  } else if (word != "HUNDRED") {
    return std::nullopt;
  }
  // As Envoy's debug text of the message has it: what is the default is left out.
  if (value.fraction->numerator != 0) {
    absl::StrAppend(&value.text, "numerator: ", value.fraction->numerator, "\n");
  }
  if (word != "HUNDRED") absl::StrAppend(&value.text, "denominator: ", word, "\n");
  return value;
}

class LayerCompiler {
 public:
  LayerCompiler(Layer& layer, config::Errors& errors) : layer_(layer), errors_(errors) {}

  void Add(const Struct& config, const std::string& prefix, int depth, const config::Path& path) {
    for (const auto& [name, field] : config.fields()) {
      const std::string key = prefix.empty() ? name : absl::StrCat(prefix, ".", name);
      AddField(key, field, depth, path.Field(name));
    }
  }

 private:
  void AddField(const std::string& key, const ProtoValue& field, int depth,
                const config::Path& path) {
    if (field.has_struct_value() && !IsFraction(field.struct_value())) {
      if (depth < kMaxDepth) return Add(field.struct_value(), key, depth + 1, path);
      errors_.Add(path, "runtime keys nested too deep");
      return;
    }
    if (std::optional<Value> value = Compile(field, path)) layer_.values[key] = *std::move(value);
  }

  std::optional<Value> Compile(const ProtoValue& field, const config::Path& path) {
    switch (field.kind_case()) {
      case ProtoValue::kNumberValue:
        return OfNumber(field.number_value(), absl::StrCat(field.number_value()));
      case ProtoValue::kBoolValue:
        return OfBool(field.bool_value(), field.bool_value() ? "true" : "false");
      case ProtoValue::kStringValue:
        return OfText(field.string_value());
      case ProtoValue::kStructValue: {
        std::optional<Value> value = OfFraction(field.struct_value());
        if (!value) errors_.Add(path, "is not a fraction: expected numerator and denominator");
        return value;
      }
      case ProtoValue::kListValue:
      case ProtoValue::kNullValue:
      case ProtoValue::KIND_NOT_SET:
        break;
    }
    errors_.Add(path, "expected a number, a switch, text or a fraction as a runtime value");
    return std::nullopt;
  }

  Layer& layer_;
  config::Errors& errors_;
};

}  // namespace

std::shared_ptr<const Layer> CompileLayer(const std::string& name, const Struct& config,
                                          config::Errors& errors, const config::Path& path) {
  auto layer = std::make_unique<Layer>();
  layer->name = name;
  LayerCompiler(*layer, errors).Add(config, "", 0, path);
  return layer;
}

Value ParseValue(absl::string_view text) {
  ProtoValue proto;
  config::Errors errors;
  config::ParseYaml(View(text), proto, errors);
  if (errors.ok() && proto.has_struct_value()) {
    std::optional<Value> fraction = OfFraction(proto.struct_value());
    if (fraction.has_value()) {
      fraction->text = std::string(text);
      return *std::move(fraction);
    }
  }
  return OfText(std::string(text));
}

}  // namespace proxenos::runtime
