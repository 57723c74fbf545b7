// Paths and hosts as requests carry them: one canonical form, computed once before anything matches
// on them (RFC 3986, section 6.2.2), and small look-ups.
//
// Every function here is total on hostile bytes. New text is made in the arena; what is already in
// canonical form comes back as it is, after one scan.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/buffer/arena.h"

namespace proxenos::http {

// HttpConnectionManager.path_with_escaped_slashes_action.
enum class EscapedSlashes : uint8_t { kKeep, kReject, kUnescapeAndRedirect, kUnescapeAndForward };

struct PathOptions {
  bool normalize = false;      // normalize_path
  bool merge_slashes = false;  // merge_slashes
  EscapedSlashes escaped_slashes = EscapedSlashes::kKeep;
};

enum class PathVerdict : uint8_t {
  kKeep,      // The path was in canonical form already.
  kChanged,   // Use `path` instead.
  kRedirect,  // Answer 307 with `path` (kUnescapeAndRedirect, and there was something to unescape).
  kReject,    // Answer 400.
};

struct PathResult {
  PathVerdict verdict = PathVerdict::kKeep;
  // With the query, which is never touched. The input itself on kKeep and kReject.
  absl::string_view path;
};

// Brings a path in origin form ("/a?b") to its canonical form: escaped slashes first; then, with
// `normalize`, unreserved characters decoded, triplets in upper case, bytes that no URI may have
// encoded, `\` as `/`, dot segments removed; then, with `merge_slashes`, runs of slashes as one. A
// path that is not in origin form ("*", empty) is kept. Rejected are a fragment, always, and, with
// `normalize`, a `%` that two hexadecimal digits do not follow, and %00. What comes out stays as it
// is when brought here again.
PathResult NormalizePath(absl::string_view path, const PathOptions& options, buffer::Arena& arena);

// The path without query and fragment.
absl::string_view WithoutQuery(absl::string_view path);
// What follows the first "?", without a fragment; empty when there is none.
absl::string_view QueryOf(absl::string_view path);

// The first value of a query parameter of `path`, not decoded; a parameter without "=" has an empty
// value. False when there is none of that name.
bool FindQueryParameter(absl::string_view path, absl::string_view name, absl::string_view* value);

// Where the port of an authority starts: at its ":"; npos when it has none. "[::1]" has none.
size_t PortStart(absl::string_view authority);
// The authority without a port, or without that one port (strip_any_host_port,
// strip_matching_host_port). A port that is not a number is left alone.
absl::string_view StripPort(absl::string_view authority);
absl::string_view StripPort(absl::string_view authority, uint16_t only_this);
// Without the dot that may end a name, before the port or at the end (strip_trailing_host_dot).
absl::string_view StripTrailingDot(absl::string_view authority, buffer::Arena& arena);

}  // namespace proxenos::http
