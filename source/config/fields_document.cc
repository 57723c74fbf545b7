// The table in Markdown, with what it does not name added from the descriptors.
#include "source/config/fields_document.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "source/config/concat.h"
#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using Verdict = FieldRow::Verdict;

constexpr std::string_view kIntroduction =
    R"(# Configuration: what is supported

proxenos reads Envoy's v3 configuration: the bootstrap file (`-c`, with `--config-yaml` merged
over it) and what a control plane sends. No field is dropped in silence. Each one that is set is

- **honoured**, some only with certain values;
- **accepted without effect**, where nobody can see a difference; the reason stands beside it
  here and in the admin interface, and a stat counts them;
- or **rejected**, with its path, its name and, where there is one, what to write instead.

All constraints of the official protos (`validate.rules`) are checked as well, and all that is
wrong with an input is reported at once. `--mode validate` does all of this without opening a
port.

Files ending in `.yaml` or `.yml` are YAML, `.pb` binary protos, `.pb_text` text protos, all
others JSON. Field names may be written in snake_case or lowerCamelCase, enum values in any
case, and a `typed_config` as the type itself or as a TypedStruct (`xds.type.v3`,
`udpa.type.v1`). A field that is written twice, or two fields of a oneof, are errors. In YAML,
keys tagged `!ignore` are dropped (they hold anchors); merge keys (`<<`) are not known.

The lists below are made from the table in the code (`source/config/fields_table_*.cc`) by
`//source/config:print_fields`; a test compares them. Types of the API that do not occur here
are not implemented.
)";

std::vector<std::string_view> Split(std::string_view names) {
  std::vector<std::string_view> all;
  for (std::string_view name = NextName(names); !name.empty(); name = NextName(names)) {
    all.push_back(name);
  }
  return all;
}

std::string Code(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) Append(text, text.empty() ? "`" : ", `", name, "`");
  return text;
}

// "All of its fields" for "*".
std::string Names(const FieldRule& rule) {
  return rule.names == "*" ? "all of its fields" : Code(Split(rule.names));
}

std::string Restriction(const FieldRule& rule) {
  std::string text;
  if (rule.only == "{}") {
    text = "only empty";
  } else if (!rule.only.empty()) {
    text = Concat("only ", Code(Split(rule.only)));
  } else if (rule.at_most != FieldRule().at_most) {
    text = Concat("at most ", rule.at_most);
  }
  if (!rule.note.empty()) Append(text, text.empty() ? "" : "; ", rule.note);
  return text;
}

// The type of a block named by itself, or by a field that holds it.
const Descriptor* TypeOf(std::string_view block) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  if (const Descriptor* type = pool.FindMessageTypeByName(std::string(block))) return type;
  const FieldDescriptor* field = pool.FindFieldByName(std::string(block));
  return field == nullptr ? nullptr : field->message_type();
}

// Fields of the type that no row names.
std::vector<std::string_view> Unnamed(const MessageRules& block) {
  std::vector<std::string_view> named;
  for (const FieldRule& rule : block.rules) {
    for (const std::string_view name : Split(rule.names)) named.push_back(name);
  }
  std::vector<std::string_view> unnamed;
  const Descriptor* type = TypeOf(block.name);
  if (type == nullptr || std::find(named.begin(), named.end(), "*") != named.end()) return unnamed;
  for (int i = 0; i < type->field_count(); ++i) {
    const std::string_view name = type->field(i)->name();
    if (std::find(named.begin(), named.end(), name) == named.end()) unnamed.push_back(name);
  }
  return unnamed;
}

void AppendBlock(std::string& out, const MessageRules& block) {
  Append(out, "\n## ", block.name, "\n");
  const Descriptor* type = TypeOf(block.name);
  if (type != nullptr && type->full_name() != block.name) {
    Append(out, "\n(`", type->full_name(), "` in this field)\n");
  }
  std::string plain;
  std::string restricted;
  std::string ignored;
  std::string rejected;
  for (const FieldRule& rule : block.rules) {
    const std::string names = Names(rule);
    const std::string restriction = Restriction(rule);
    if (rule.verdict == Verdict::kIgnored) {
      Append(ignored, "- ", names, ": ", rule.note, "\n");
    } else if (rule.verdict == Verdict::kRejected) {
      Append(rejected, "- ", names, ": ", rule.note, "\n");
    } else if (restriction.empty()) {
      Append(plain, plain.empty() ? "" : ", ", names);
    } else {
      Append(restricted, "- ", names, ": ", restriction, "\n");
    }
  }
  if (block.rules.empty())
    plain = type != nullptr && type->field_count() == 0 ? "(it has no fields)" : "only empty";
  if (!plain.empty()) Append(out, "\nHonoured: ", plain, "\n");
  if (!restricted.empty()) Append(out, "\nHonoured in part:\n\n", restricted);
  if (!ignored.empty()) Append(out, "\nAccepted without effect:\n\n", ignored);
  if (!rejected.empty()) Append(out, "\nRejected:\n\n", rejected);
  const std::vector<std::string_view> unnamed = Unnamed(block);
  if (!unnamed.empty()) Append(out, "\nNot implemented: ", Code(unnamed), "\n");
}

}  // namespace

std::string FieldsDocument() {
  std::string out(kIntroduction);
  for (const MessageRules& block : FieldsTable()) AppendBlock(out, block);
  return out;
}

}  // namespace proxenos::config
