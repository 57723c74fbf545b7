// Signatures of AWS over any target and any field. What is canonical has no character that could
// end its line, and the query is canonical already when it is made so again.
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/filters/http/aws_request_signing/signature.h"

namespace proxenos::filters::aws_request_signing {
namespace {

void CheckPlain(absl::string_view text, absl::string_view marks) {
  for (const char c : text) {
    CHECK(absl::ascii_isalnum(static_cast<unsigned char>(c)) || marks.find(c) != marks.npos);
  }
}

// The first line is the target, the second a field's value.
void Run(absl::string_view input) {
  const size_t line = input.find('\n');
  const absl::string_view target = input.substr(0, line);
  const absl::string_view value =
      line == absl::string_view::npos ? absl::string_view() : input.substr(line + 1);
  const size_t mark = target.find('?');
  const absl::string_view path = target.substr(0, mark);
  for (const bool normalizes : {true, false}) {
    const std::string canonical = CanonicalPath(path, normalizes);
    CHECK(!canonical.empty());
    if (normalizes) CHECK(canonical[0] == '/');
    CheckPlain(canonical, "-._~%/");
  }
  if (mark != absl::string_view::npos) {
    const std::string query = CanonicalQuery(target.substr(mark + 1));
    CheckPlain(query, "-._~%=&");
    CHECK(CanonicalQuery(query) == query);
  }
  const std::string signature =
      Authorization({"id", "secret", ""}, {"service", "region", "20150830T123600Z"},
                    {"GET", target, {{"host", "h"}, {"x", value}}, "UNSIGNED-PAYLOAD"});
  CHECK(signature.size() == Authorization({"id", "secret", ""},
                                          {"service", "region", "20150830T123600Z"},
                                          {"GET", "/", {{"host", "h"}, {"x", ""}}, "hash"})
                                .size());
}

}  // namespace
}  // namespace proxenos::filters::aws_request_signing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::filters::aws_request_signing::Run(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
