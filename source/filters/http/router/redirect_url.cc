// Scheme, authority, path.
#include "source/filters/http/router/redirect_url.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/http/authority.h"
#include "source/http/chars.h"

namespace proxenos::filters::router {

RedirectUrl RedirectUrl::Parse(absl::string_view text) {
  constexpr absl::string_view kHttp = "http://";
  constexpr absl::string_view kHttps = "https://";
  RedirectUrl url;
  url.https = absl::StartsWithIgnoreCase(text, kHttps);
  if (!url.https && !absl::StartsWithIgnoreCase(text, kHttp)) {
    if (absl::StrContains(text.substr(0, text.find_first_of("/?#")), ":")) {
      url.kind = Kind::kOtherScheme;
    }
    return url;
  }
  text.remove_prefix(url.https ? kHttps.size() : kHttp.size());
  text = text.substr(0, text.find('#'));
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  url.authority = text.substr(0, end);
  url.path = text.substr(end);
  std::string padded(url.authority);
  padded.append(16, '\0');  // IsAuthority may read a little behind.
  const bool good = !url.authority.empty() &&
                    http::IsAuthority(absl::string_view(padded).substr(0, url.authority.size())) &&
                    std::all_of(url.path.begin(), url.path.end(), http::IsTargetChar);
  if (good) url.kind = Kind::kGood;
  return url;
}

}  // namespace proxenos::filters::router
