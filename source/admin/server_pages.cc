// Pages about the process as a whole.
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/admin/v3/memory.pb.h"
#include "google/protobuf/struct.pb.h"
#include "source/admin/pages.h"
#include "source/admin/process_memory.h"
#include "source/config/json_output.h"

namespace proxenos::admin {
namespace {

// As Envoy prints these pages: with the fields that have their default value.
std::string FullJson(const google::protobuf::Message& message) {
  config::JsonOptions options;
  options.default_values = true;
  return config::ToJson(message, options);
}

}  // namespace

Response ReadyPage(AdminSource& source) {
  const auto state = source.state();
  const int status = state == envoy::admin::v3::ServerInfo::LIVE ? 200 : 503;
  return Response::Error(status,
                         absl::StrCat(envoy::admin::v3::ServerInfo::State_Name(state), "\n"));
}

Response ServerInfoPage(AdminSource& source) {
  envoy::admin::v3::ServerInfo info;
  info.set_version(source.version);
  info.set_state(source.state());
  const int64_t uptime_s = (source.clock.Mono() - source.started) / base::kSecond;
  info.mutable_uptime_current_epoch()->set_seconds(uptime_s);
  info.mutable_uptime_all_epochs()->set_seconds(uptime_s);
  info.set_hot_restart_version("disabled");
  *info.mutable_command_line_options() = source.command_line_options;
  *info.mutable_node() = source.bootstrap.node();
  return Response::Json(FullJson(info));
}

Response MemoryPage() {
  const ProcessMemory read = ReadProcessMemory();
  envoy::admin::v3::Memory memory;
  memory.set_allocated(read.allocated);
  memory.set_heap_size(read.heap_size);
  memory.set_pageheap_free(read.heap_free);
  memory.set_total_physical_bytes(read.physical);
  return Response::Json(FullJson(memory));
}

Response DrainListenersPage(AdminSource& source, const Request& request) {
  DrainRequest drain;
  drain.skip_exit = request.params.Has("skip_exit");
  // What never stops the listeners can only be the graceful kind.
  drain.graceful = request.params.Has("graceful") || drain.skip_exit;
  drain.inbound_only = request.params.Has("inboundonly");
  source.drain_listeners(drain);
  return Response::Text("OK\n");
}

Response IgnoredFieldsPage(AdminSource& source) {
  google::protobuf::Struct page;
  auto& fields = *(*page.mutable_fields())["ignored_fields"].mutable_list_value();
  source.for_each_ignored_field([&fields](const config::IgnoredField& ignored) {
    auto& entry = *fields.add_values()->mutable_struct_value()->mutable_fields();
    entry["path"].set_string_value(ignored.path);
    entry["field"].set_string_value(std::string(ignored.field));
    entry["reason"].set_string_value(std::string(ignored.reason));
  });
  return Response::Json(config::ToJson(page));
}

}  // namespace proxenos::admin
