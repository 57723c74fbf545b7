// Locations of redirects: what is taken for a place to go to names one, and only its own bytes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "source/base/check.h"
#include "source/filters/http/router/redirect_url.h"
#include "source/http/chars.h"

namespace {

using proxenos::filters::router::RedirectUrl;

void Run(const std::string& text) {
  const RedirectUrl url = RedirectUrl::Parse(text);
  if (url.kind != RedirectUrl::Kind::kGood) return;
  CHECK(!url.authority.empty());
  CHECK(absl::StartsWithIgnoreCase(text, url.https ? "https://" : "http://"));
  CHECK(url.authority.data() == text.data() + (url.https ? 8 : 7));
  CHECK(url.authority.find_first_of("@/?# ") == absl::string_view::npos);
  CHECK(url.path.empty() || url.path[0] == '/' || url.path[0] == '?');
  CHECK(url.authority.size() + url.path.size() + (url.https ? 8 : 7) <= text.size());
  for (const char c : url.path) CHECK(proxenos::http::IsTargetChar(c));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
