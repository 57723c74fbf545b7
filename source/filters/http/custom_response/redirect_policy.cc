// There and back.
#include "source/filters/http/custom_response/redirect_policy.h"

#include <memory>

#include "absl/strings/str_cat.h"

namespace proxenos::filters::custom_response {
namespace {

using filter::RedirectErrand;

std::string AuthorityOf(const RedirectErrand& errand, absl::string_view own) {
  absl::string_view host = errand.host.empty() ? own : absl::string_view(errand.host);
  if (errand.port == 0) return std::string(host);
  const size_t colon = host.rfind(':');
  if (errand.host.empty() && colon != absl::string_view::npos &&
      host.find(']', colon) == absl::string_view::npos) {
    host = host.substr(0, colon);
  }
  return absl::StrCat(host, ":", errand.port);
}

std::string PathOf(const RedirectErrand& errand, absl::string_view own) {
  const size_t query = own.find('?');
  if (errand.path.empty()) return std::string(errand.strips_query ? own.substr(0, query) : own);
  const bool keeps_query = !errand.strips_query && query != absl::string_view::npos &&
                           errand.path.find('?') == std::string::npos;
  return absl::StrCat(errand.path, keeps_query ? own.substr(query) : absl::string_view());
}

}  // namespace

bool SendOnErrand(const RedirectErrand& errand, filter::StreamContext& stream) {
  http::RequestHead& request = stream.request;
  if (stream.routes == nullptr || stream.info.request_complete == 0) return false;
  const absl::string_view scheme = request.scheme, authority = request.authority,
                          path = request.path;
  if (!errand.scheme.empty()) request.scheme = errand.scheme;
  request.authority = stream.arena.Copy(AuthorityOf(errand, authority));
  request.path = stream.arena.Copy(PathOf(errand, path));
  const route::Route* const target = stream.routes->Match(stream.match_input());
  if (target == nullptr) {
    request.scheme = scheme;
    request.authority = authority;
    request.path = path;
    return false;
  }
  for (const filter::HeaderChange& change : errand.request_changes) filter::Apply(change, request);
  request.method = http::Method::kGet;
  request.method_text = "GET";
  request.headers.Remove(http::HeaderId::kContentLength);
  request.framing = http::Framing();
  if (stream.internal_redirects == nullptr) {
    stream.internal_redirects = std::make_unique<filter::InternalRedirects>();
  }
  filter::InternalRedirects& redirects = *stream.internal_redirects;
  redirects.steps.push_back(
      {stream.route == nullptr ? std::string() : stream.route->name, target->name});
  redirects.errand = &errand;
  redirects.errand_status = stream.response.status;
  redirects.body.Clear();
  redirects.pending = true;
  stream.info.response_code = stream.response.status;
  stream.environment.loop.Schedule(&stream);
  return true;
}

// An error of its own is left as it is.
void ShapeAnswer(const RedirectErrand& errand, http::ResponseHead& head) {
  if (head.status > 299) return;
  for (const filter::HeaderChange& change : errand.response_changes) {
    filter::Apply(change, head.headers);
  }
  if (errand.status != 0) head.status = errand.status;
}

}  // namespace proxenos::filters::custom_response
