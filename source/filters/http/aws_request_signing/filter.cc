// What of a request is signed, and where that is told.
#include "source/filters/http/aws_request_signing/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "source/event/event_loop.h"

namespace proxenos::filters::aws_request_signing {
namespace {

using filter::Verdict;

constexpr absl::string_view kContentHash = "x-amz-content-sha256";
constexpr absl::string_view kDate = "x-amz-date";
constexpr absl::string_view kToken = "x-amz-security-token";
constexpr char kUnsigned[] = "UNSIGNED-PAYLOAD";

// What proxies between here and there may change, so that it cannot be signed.
constexpr absl::string_view kNever[] = {
    "authorization", "connection",        "expect",  "forwarded",       "keep-alive",     "te",
    "trailer",       "transfer-encoding", "upgrade", "x-amzn-trace-id", "x-forwarded-for"};

std::string HashOf(const buffer::Buffer& body) {
  Sha256 hash;
  for (size_t i = 0; i < body.slice_count(); ++i) hash.Add(body.slice(i).view());
  return hash.Hex();
}

bool AnyMatches(const std::vector<match::StringMatcher>& matchers, absl::string_view text) {
  return std::any_of(matchers.begin(), matchers.end(),
                     [text](const match::StringMatcher& matcher) { return matcher.Matches(text); });
}

}  // namespace

filter::BodyNeed AwsRequestSigning::RequestBodyNeed(const filter::BodyNeed& declared) const {
  return settings_.unsigned_payload ? filter::BodyNeed{} : declared;
}

bool AwsRequestSigning::Signs(absl::string_view name) const {
  if (std::find(std::begin(kNever), std::end(kNever), name) != std::end(kNever)) return false;
  if (absl::StartsWith(name, "x-amz-")) return true;
  if (!settings_.included.empty()) return AnyMatches(settings_.included, name);
  return !AnyMatches(settings_.excluded, name);
}

void AwsRequestSigning::Sign(http::RequestHead& head, const std::string& payload_hash) const {
  const Credentials& credentials = settings_.credentials;
  const std::string date = DateText(stream_.environment.loop.wall_now());
  head.headers.Set(kDate, date);
  head.headers.Set(kContentHash, payload_hash);
  if (credentials.session_token.empty()) {
    head.headers.Remove(kToken);
  } else {
    head.headers.Set(kToken, credentials.session_token);
  }
  Signed request{head.method_text, head.path, {{"host", head.authority}}, payload_hash};
  for (const http::Header& field : head.headers) {
    if (Signs(field.name())) request.headers.emplace_back(field.name(), field.value());
  }
  const SigningScope scope{settings_.service, settings_.region, date, settings_.normalizes};
  head.headers.Set(http::HeaderId::kAuthorization, Authorization(credentials, scope, request));
}

Verdict AwsRequestSigning::OnRequestHeaders(http::RequestHead& head, bool) {
  AwsRequestSigningStats& stats = *part_.stats;
  if (!settings_.host_rewrite.empty()) head.authority = settings_.host_rewrite;
  const bool whole = !settings_.unsigned_payload;
  if (!settings_.credentials.set()) {
    (whole ? stats.payload_signing_failed : stats.signing_failed).Inc();
    return Verdict::kContinue;
  }
  Sign(head, whole ? HashOf(stream_.request_in.body) : kUnsigned);
  (whole ? stats.payload_signing_added : stats.signing_added).Inc();
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::aws_request_signing
