// Where a request comes from, as browsers tell it (RFC 6454, section 7; RFC 9110, section 10.1.3).
#include "source/filters/http/csrf/filter.h"

namespace proxenos::filters::csrf {
namespace {

using filter::Verdict;

bool ChangesSomething(http::Method method) {
  return method == http::Method::kPost || method == http::Method::kPut ||
         method == http::Method::kDelete || method == http::Method::kPatch;
}

// Host and port of a URL; what is none stays as it is.
absl::string_view HostOf(absl::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == absl::string_view::npos) return url;
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

absl::string_view SourceOf(const http::RequestHead& head) {
  // "null" is what a page without an origin of its own sends, such as one in a sandbox: its Referer
  // may well be our own URL, so that says nothing.
  const absl::string_view origin = HostOf(head.headers.Get(http::HeaderId::kOrigin));
  if (!origin.empty()) return origin;
  return HostOf(head.headers.Get(http::HeaderId::kReferer));
}

}  // namespace

bool Csrf::IsAllowed(absl::string_view origin, absl::string_view host) const {
  if (origin == host) return true;
  for (const match::StringMatcher& matcher : policy_.origins) {
    if (matcher.Matches(origin)) return true;
  }
  return false;
}

Verdict Csrf::OnRequestHeaders(http::RequestHead& head, bool) {
  base::Random& random = stream_.environment.loop.random();
  const bool enabled = policy_.enabled.Holds(stream_.environment.runtime, random.Next());
  if (!enabled && !policy_.shadow.Holds(stream_.environment.runtime, random.Next()))
    return Verdict::kContinue;
  if (!ChangesSomething(head.method)) return Verdict::kContinue;
  const absl::string_view source = SourceOf(head);
  const bool valid = !source.empty() && IsAllowed(source, head.authority);
  if (part_ != nullptr) {
    CsrfStats& stats = *part_->stats;
    (valid            ? stats.request_valid
     : source.empty() ? stats.missing_source_origin
                      : stats.request_invalid)
        .Inc();
  }
  if (valid || !enabled) return Verdict::kContinue;
  stream_.Reply(403, "Invalid origin", "csrf_origin_mismatch", 0);
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::csrf
