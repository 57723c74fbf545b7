// Protos to JSON for people and tools: /config_dump and the other admin pages. Field names stay
// snake_case as in Envoy's dumps; secrets are redacted first.
#pragma once

#include <string>

#include "google/protobuf/message.h"

namespace proxenos::config {

struct JsonOptions {
  bool pretty = true;  // One field a line, indented by one space as Envoy's.
  bool redact = true;  // Fields marked udpa.annotations.sensitive are hidden.
  bool enums_as_numbers = false;
  bool default_values = false;  // Also print fields that have their default value.
};

// Any holding a type that is not compiled in is written as its @type and base64 bytes, never an
// error: a dump must always come out.
std::string ToJson(const google::protobuf::Message& message, const JsonOptions& options = {});

// Replaces what is marked udpa.annotations.sensitive: strings and bytes by "[redacted]", numbers
// and flags by nothing, in submessages, Any and TypedStruct too.
void Redact(google::protobuf::Message& message);

}  // namespace proxenos::config
