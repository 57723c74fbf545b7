// From requests to framed messages, and from messages to JSON.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/filters/http/grpc_json_transcoder/settings.h"

namespace proxenos::filters::grpc_json_transcoder {

// A field, and what a path or query says that it is.
struct Binding {
  FieldPath field;
  std::string text;
};

struct Matched {
  enum class Outcome : uint8_t { kNoRule, kBadQuery, kFound };
  Outcome outcome = Outcome::kNoRule;
  const Rule* rule = nullptr;
  std::vector<Binding> bindings;
  std::string error;  // Of kBadQuery.
};

// `path`: with its query.
Matched FindRule(const Settings& settings, absl::string_view method, absl::string_view path);

// The frames of gRPC that the request is. Error: in words for the client.
absl::StatusOr<std::string> ToFrames(const Settings& settings, const Matched& matched,
                                     absl::string_view content_type, absl::string_view body);

// What a client gets of one message.
struct Shown {
  std::string bytes;
  std::string content_type;  // Of google.api.HttpBody; else empty: JSON.
};
// Whether its answers are of google.api.HttpBody.
bool ShowsHttpBodies(const Rule& rule);
absl::StatusOr<Shown> ToShown(const Settings& settings, const Rule& rule,
                              absl::string_view message);

// google.rpc.Status as JSON: of its serialized form (grpc-status-details-bin), or made of the two.
std::string StatusToJson(const Settings& settings, uint32_t code, absl::string_view message,
                         absl::string_view details);

}  // namespace proxenos::filters::grpc_json_transcoder
