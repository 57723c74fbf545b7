// PathTemplate: the path of a google.api.http rule ("/v1/{name=shelves/*}/books:list"), parsed.
//
//   Template = "/" Segments [ ":" LITERAL ]     Segments = Segment { "/" Segment }
//   Segment  = "*" | "**" | LITERAL | "{" FieldPath [ "=" Segments ] "}"
//
// "**" stands for all that is left and may only stand last. Thread: any (immutable).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace proxenos::filters::grpc_json_transcoder {

struct PathTemplate {
  static constexpr size_t kMaxSegments = 64;

  struct Segment {
    enum class Kind : uint8_t { kLiteral, kOne, kRest };
    Kind kind = Kind::kLiteral;
    std::string text = {};  // Of a literal.
  };
  // The segments [begin, end) are the value of a field.
  struct Variable {
    std::vector<std::string> field;  // By its path in the message.
    size_t begin = 0;
    size_t end = 0;
    // More than one segment, or as many as there are: then `end` is that of the whole path.
    bool multiple = false;
    bool to_the_end = false;
  };

  std::vector<Segment> segments;
  std::vector<Variable> variables;
  std::string verb;  // Empty: none.

  // Error: not a template, in words for whoever wrote it.
  static absl::StatusOr<PathTemplate> Parse(absl::string_view text);
};

// What of an escaped path is decoded for a variable (UrlUnescapeSpec). One segment always is
// wholly.
enum class Unescape : uint8_t { kAllButReserved, kAllButSlash, kAll };
std::string Unescaped(absl::string_view text, Unescape how);

}  // namespace proxenos::filters::grpc_json_transcoder
