// The parts of /config_dump, as Envoy's messages: each kind of configuration with its versions in
// force, waiting and going, and what was last refused.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "source/admin/admin_source.h"

namespace proxenos::admin {

struct ConfigDumpOptions {
  // Null: all names.
  absl::AnyInvocable<bool(absl::string_view name) const> accepts;
  bool include_endpoints = false;
};

// In Envoy's order: bootstrap, clusters, endpoints, filters, listeners, scoped routes, routes,
// secrets.
std::vector<std::unique_ptr<google::protobuf::Message>> DumpConfig(
    AdminSource& source, const ConfigDumpOptions& options);

}  // namespace proxenos::admin
