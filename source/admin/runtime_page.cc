// /runtime: every key with what each layer says, and /runtime_modify.
#include <string>

#include "google/protobuf/struct.pb.h"
#include "source/admin/pages.h"
#include "source/config/json_output.h"

namespace proxenos::admin {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;

constexpr char kUsage[] =
    "usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n"
    "       or send the parameters as form values\n"
    "use an empty value to remove a previously added override";

void AddText(ListValue& list, const std::string& text) {
  list.add_values()->set_string_value(text);
}

Struct ShowKey(const runtime::Snapshot& snapshot, absl::string_view key) {
  Struct entry;
  auto& fields = *entry.mutable_fields();
  fields["final_value"].set_string_value(snapshot.Find(key)->text);
  ListValue& values = *fields["layer_values"].mutable_list_value();
  for (const auto& layer : snapshot.layers()) {
    const auto found = layer->values.find(key);
    AddText(values, found == layer->values.end() ? "" : found->second.text);
  }
  return entry;
}

}  // namespace

Response RuntimePage(AdminSource& source) {
  const std::shared_ptr<const runtime::Snapshot> snapshot = source.runtime();
  Struct page;
  auto& fields = *page.mutable_fields();
  auto& entries = *fields["entries"].mutable_struct_value()->mutable_fields();
  for (const absl::string_view key : snapshot->Keys()) {
    *entries[std::string(key)].mutable_struct_value() = ShowKey(*snapshot, key);
  }
  ListValue& layers = *fields["layers"].mutable_list_value();
  for (const auto& layer : snapshot->layers()) AddText(layers, layer->name);
  return Response::Json(config::ToJson(page));
}

Response RuntimeModifyPage(AdminSource& source, const Request& request) {
  if (request.params.empty()) return Response::Error(400, kUsage);
  const absl::Status status = source.modify_runtime(request.params.all());
  if (status.ok()) return Response::Text("OK\n");
  return Response::Error(absl::IsUnavailable(status) ? 503 : 400, std::string(status.message()));
}

}  // namespace proxenos::admin
