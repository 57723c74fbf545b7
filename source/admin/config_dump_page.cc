// /config_dump: which parts of the configuration, which of their names, and which fields.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/admin/v3/config_dump.pb.h"
#include "google/protobuf/descriptor.h"
#include "re2/re2.h"
#include "source/admin/config_dump.h"
#include "source/admin/field_mask.h"
#include "source/admin/pages.h"
#include "source/config/json_output.h"

namespace proxenos::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Dumps = std::vector<std::unique_ptr<Message>>;

Response Shown(const envoy::admin::v3::ConfigDump& dump) {
  return Response::Json(config::ToJson(dump));
}

// Every part that the mask says something of, trimmed to it.
Response AllParts(Dumps dumps, const std::string* mask_text) {
  envoy::admin::v3::ConfigDump dump;
  std::optional<FieldMask> mask;
  if (mask_text != nullptr && !mask_text->empty()) mask.emplace(*mask_text);
  for (const std::unique_ptr<Message>& part : dumps) {
    if (mask) {
      if (!mask->AppliesTo(*part->GetDescriptor())) continue;
      // First of all: without its surroundings a secret may no longer be known as one.
      config::Redact(*part);
      mask->Trim(*part);
    }
    dump.add_configs()->PackFrom(*part);
  }
  if (mask && dump.configs_size() == 0) {
    return Response::Error(400, absl::StrCat("FieldMask ", *mask_text,
                                             " could not be successfully applied to any configs."));
  }
  return Shown(dump);
}

// The entries of one repeated field of one part, such as dynamic_active_clusters.
Response OneField(Dumps dumps, const std::string& name, const std::string* mask_text) {
  for (const std::unique_ptr<Message>& part : dumps) {
    const FieldDescriptor* field = part->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr) continue;
    if (!field->is_repeated()) {
      return Response::Error(400, absl::StrCat(name, " is not a repeated field. Use ?mask=", name,
                                               " to get only this field"));
    }
    std::optional<FieldMask> mask;
    if (mask_text != nullptr && !mask_text->empty()) {
      mask.emplace(*mask_text);
      if (!mask->WhollyAppliesTo(*field->message_type())) {
        return Response::Error(
            400, absl::StrCat("FieldMask ", *mask_text, " could not be successfully used."));
      }
      config::Redact(*part);
    }
    envoy::admin::v3::ConfigDump dump;
    const google::protobuf::Reflection& reflection = *part->GetReflection();
    for (int i = 0; i < reflection.FieldSize(*part, field); ++i) {
      Message& entry = *reflection.MutableRepeatedMessage(part.get(), field, i);
      if (mask) mask->Trim(entry);
      dump.add_configs()->PackFrom(entry);
    }
    return Shown(dump);
  }
  return Response::Error(404, absl::StrCat(name, " not found in config dump"));
}

}  // namespace

Response ConfigDumpPage(AdminSource& source, const Request& request) {
  ConfigDumpOptions options;
  options.include_endpoints = request.params.Has("include_eds");
  std::unique_ptr<const re2::RE2> regex;
  const std::string* pattern = request.params.Find("name_regex");
  if (pattern != nullptr && !pattern->empty()) {
    regex = std::make_unique<const re2::RE2>(*pattern, re2::RE2::Quiet);
    if (!regex->ok()) {
      return Response::Error(400, absl::StrCat("Error while parsing name_regex from ", *pattern,
                                               ": ", regex->error()));
    }
    options.accepts = [&regex](absl::string_view name) {
      return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *regex);
    };
  }
  Dumps dumps = DumpConfig(source, options);
  const std::string* resource = request.params.Find("resource");
  const std::string* mask = request.params.Find("mask");
  if (resource == nullptr || resource->empty()) return AllParts(std::move(dumps), mask);
  return OneField(std::move(dumps), *resource, mask);
}

}  // namespace proxenos::admin
