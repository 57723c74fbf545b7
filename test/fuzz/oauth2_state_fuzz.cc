// Hostile cookies and states of logins: the input is a state, a newline, and the Cookie field.
// Nobody without the secret makes a state that opens, or a session that is valid; and cookies that
// are written read back as the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/buffer/arena.h"
#include "source/filters/http/oauth2/cookies.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/filters/http/oauth2/session.h"
#include "source/filters/http/oauth2/state.h"
#include "source/filters/http/oauth2/token_request.h"
#include "source/filters/http/oauth2/url.h"

namespace proxenos::filters::oauth2 {
namespace {

constexpr char kSecret[] = "a secret that no input holds";

Settings WithNames(bool encrypts) {
  Settings settings;
  const char* const names[] = {"H", "E", "B", "I", "R", "N", "V"};
  for (size_t i = 0; i < kCookieKinds; ++i) settings.cookies[i].name = names[i];
  settings.encrypt_tokens = encrypts;
  return settings;
}

void CheckCookies(absl::string_view text) {
  buffer::Arena arena;
  http::HeaderMap headers(arena);
  headers.Add(http::HeaderId::kCookie, text);
  for (const bool encrypts : {false, true}) {
    const Settings settings = WithNames(encrypts);
    Cookies cookies(headers);
    CHECK(!ReadSession(Place{settings, kSecret, "host", 0}, cookies).valid);
  }
  Cookies cookies(headers);
  cookies.Set("set", "value");
  cookies.RemoveIf([](absl::string_view name) { return name == "B"; });
  cookies.WriteTo(headers);
  const Cookies again(headers);
  CHECK(again.Get("set") == "value");
  CHECK(again.Get("B").empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  const absl::string_view first = input.substr(0, end);
  const absl::string_view rest = end == absl::string_view::npos ? "" : input.substr(end + 1);
  CHECK(!Open(first, kSecret).has_value());
  CHECK(!Decrypt(first, kSecret).has_value());
  if (const auto url = ParseUrl(first))
    CHECK(!url->host.empty() && url->host.size() < first.size());
  (void)ParseGrant(200, rest, Settings());
  const State state = MakeState("https://host/", kSecret);
  CHECK(Open(Seal(state, kSecret), kSecret)->flow_id == state.flow_id);
  CheckCookies(rest);
  return 0;
}

}  // namespace proxenos::filters::oauth2
