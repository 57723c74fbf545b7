// Texts to messages: which reader, then the one binder.
#include "source/config/text.h"

#include <memory>

#include "absl/strings/match.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "source/config/binder.h"
#include "source/config/concat.h"
#include "source/config/file.h"
#include "source/config/readers.h"

namespace proxenos::config {
namespace {

using google::protobuf::Message;

// The text proto parser's complaints in our form.
class TextProtoErrors : public google::protobuf::io::ErrorCollector {
 public:
  explicit TextProtoErrors(Errors& errors) : errors_(errors) {}
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    errors_.Add({}, Concat(message, " (at ", line + 1, ":", column + 1, ")"));
  }

 private:
  Errors& errors_;
};

bool HasExtension(std::string_view name, std::string_view extension) {
  return absl::EndsWithIgnoreCase({name.data(), name.size()}, {extension.data(), extension.size()});
}

void ParseTextProto(std::string_view content, Message& message, Errors& errors) {
  google::protobuf::TextFormat::Parser parser;
  TextProtoErrors collector(errors);
  parser.RecordErrorsTo(&collector);
  parser.SetRecursionLimit(static_cast<int>(ParseLimits().max_depth));
  if (!parser.ParseFromString(std::string(content), &message) && errors.ok()) {
    errors.Add({}, "not a text proto");
  }
}

}  // namespace

void ParseYaml(std::string_view text, Message& message, Errors& errors, const Path& root,
               const ParseLimits& limits) {
  Document document(Document::Typing::kYaml);
  if (!ReadYaml(text, limits, document, root, errors)) return;
  Binder(document, limits, root, errors).Bind(message);
}

void ParseJson(std::string_view text, Message& message, Errors& errors, const Path& root,
               const ParseLimits& limits) {
  Document document(Document::Typing::kJson);
  if (!ReadJson(text, limits, document, root, errors)) return;
  Binder(document, limits, root, errors).Bind(message);
}

void ParseByFileName(std::string_view file_name, std::string_view content, Message& message,
                     Errors& errors, const ParseLimits& limits) {
  if (content.size() > limits.max_bytes) {
    errors.Add({},
               Concat("file of ", content.size(), " bytes: expected at most ", limits.max_bytes));
  } else if (HasExtension(file_name, ".pb")) {
    if (!message.ParseFromArray(content.data(), static_cast<int>(content.size()))) {
      errors.Add({}, Concat("not a binary ", message.GetDescriptor()->full_name()));
    }
  } else if (HasExtension(file_name, ".pb_text")) {
    ParseTextProto(content, message, errors);
  } else if (HasExtension(file_name, ".yaml") || HasExtension(file_name, ".yml")) {
    ParseYaml(content, message, errors, {}, limits);
  } else {
    ParseJson(content, message, errors, {}, limits);
  }
}

void LoadFile(const std::string& file_name, Message& message, Errors& errors,
              const ParseLimits& limits) {
  const absl::StatusOr<std::string> content = ReadFile(file_name, limits.max_bytes);
  if (content.ok()) return ParseByFileName(file_name, *content, message, errors, limits);
  const absl::string_view why = content.status().message();
  errors.Add({}, std::string_view(why.data(), why.size()));
}

absl::Status MergeYaml(Message& base, std::string_view overlay, const ParseLimits& limits) {
  const std::unique_ptr<Message> parsed(base.New());
  Errors errors;
  ParseYaml(overlay, *parsed, errors, {}, limits);
  if (errors.ok()) base.MergeFrom(*parsed);
  return errors.ToStatus("--config-yaml");
}

}  // namespace proxenos::config
