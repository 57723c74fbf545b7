// Configuration text to official protos: YAML, JSON, binary and text protos, with Envoy's rules of
// what is accepted. snake_case and lowerCamelCase field names, enum values by name in any case or
// by number, `@type` inside Any, `!ignore` keys, anchors and aliases.
//
// Every parser here is total: it reports all problems it finds through Errors (with field path and
// line:column), never aborts, and is bounded by ParseLimits whatever the bytes are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "source/config/errors.h"

namespace proxenos::config {

// Bounds on what one text may cost. Real configurations stay far below them.
struct ParseLimits {
  size_t max_bytes = size_t{512} << 20;  // Text size; a 10,000-cluster bootstrap is 5 MB.
  size_t max_depth = 100;                // Nesting of maps and lists, as in protobuf's parsers.
  size_t max_alias_nodes = 1'000'000;    // Values bound through YAML aliases ("billion laughs").
};

// Merges the YAML (or JSON, which the YAML parser also reads) document into `message`. `root` leads
// the paths of the errors. On errors the message is left partly filled and must not be used.
void ParseYaml(std::string_view text, google::protobuf::Message& message, Errors& errors,
               const Path& root = {}, const ParseLimits& limits = {});

// The same for strict JSON (RFC 8259).
void ParseJson(std::string_view text, google::protobuf::Message& message, Errors& errors,
               const Path& root = {}, const ParseLimits& limits = {});

// Parses the content of a file by the extension of its name: .pb is a binary proto, .pb_text a text
// proto, .yaml and .yml YAML, everything else JSON, as Envoy decides for `-c`.
void ParseByFileName(std::string_view file_name, std::string_view content,
                     google::protobuf::Message& message, Errors& errors,
                     const ParseLimits& limits = {});

// Reads and parses a file; that it cannot be read is an error like any other.
void LoadFile(const std::string& file_name, google::protobuf::Message& message, Errors& errors,
              const ParseLimits& limits = {});

// Merges the overlay of `--config-yaml` over `base` with the meaning of protobuf's MergeFrom:
// singular fields are replaced, messages merged, lists appended. Nothing changes on error.
absl::Status MergeYaml(google::protobuf::Message& base, std::string_view overlay,
                       const ParseLimits& limits = {});

}  // namespace proxenos::config
