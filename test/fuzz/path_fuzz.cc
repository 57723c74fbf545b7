// http::NormalizePath and the look-ups beside it on any bytes. What comes out is canonical: it
// stays as it is when brought in again, and keeps none of what the options promise to take away.
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/http/path.h"

namespace proxenos::http {
namespace {

void CheckCanonical(absl::string_view path, const PathOptions& options) {
  const std::string segments = absl::StrCat(WithoutQuery(path), "/");
  CHECK(!absl::StrContains(path, '#'));
  if (options.normalize) {
    CHECK(!absl::StrContains(segments, "/../") && !absl::StrContains(segments, "/./"));
    CHECK(!absl::StrContains(segments, "/..;") && !absl::StrContains(segments, "/.;"));
    CHECK(!absl::StrContains(segments, '\\') && !absl::StrContains(segments, ' '));
    CHECK(!absl::StrContains(segments, "%2e") && !absl::StrContains(segments, "%2E"));
    CHECK(!absl::StrContains(segments, "%00"));
  }
  if (options.merge_slashes) CHECK(!absl::StrContains(WithoutQuery(path), "//"));
  if (options.escaped_slashes != EscapedSlashes::kKeep) {
    CHECK(!absl::StrContains(segments, "%2f") && !absl::StrContains(segments, "%2F"));
    CHECK(!absl::StrContains(segments, "%5c") && !absl::StrContains(segments, "%5C"));
  }
}

void Run(absl::string_view input) {
  if (input.empty()) return;
  const auto flags = static_cast<unsigned char>(input.front());
  PathOptions options;
  options.normalize = (flags & 1) != 0;
  options.merge_slashes = (flags & 2) != 0;
  options.escaped_slashes = static_cast<EscapedSlashes>((flags >> 2) & 3);
  const absl::string_view path = input.substr(1);

  buffer::Arena arena;
  const PathResult result = NormalizePath(path, options, arena);
  if (result.verdict == PathVerdict::kChanged || result.verdict == PathVerdict::kRedirect) {
    CHECK(result.path != path);
    CHECK(NormalizePath(result.path, options, arena).verdict == PathVerdict::kKeep);
  }
  if (result.verdict != PathVerdict::kReject && absl::StartsWith(path, "/")) {
    CHECK(absl::StartsWith(result.path, "/"));
    CheckCanonical(result.path, options);
    if (!absl::StrContains(path, '#')) CHECK(QueryOf(path) == QueryOf(result.path));
  }

  absl::string_view value;
  if (FindQueryParameter(path, "a", &value)) CHECK(absl::StrContains(path, "a"));
  CHECK(StripPort(StripPort(path), 80).size() <= path.size());
  CHECK(StripTrailingDot(path, arena).size() + 1 >= path.size());
}

}  // namespace
}  // namespace proxenos::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::http::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
