// What of a request pages look at, and what all responses have.
#include "source/admin/admin_request.h"

#include <utility>

#include "absl/strings/match.h"

namespace proxenos::admin {
namespace {

using http::HeaderId;

// Fetch metadata where the browser sends it, else Origin against Host. Tools send neither.
bool IsCrossSite(const http::RequestHead& request) {
  if (const http::Header* site = request.headers.Find("sec-fetch-site")) {
    return site->value() != "same-origin" && site->value() != "none";
  }
  const http::Header* origin = request.headers.Find(HeaderId::kOrigin);
  if (origin == nullptr) return false;
  const absl::string_view value = origin->value();
  const size_t scheme = value.find("://");
  return scheme == absl::string_view::npos || value.substr(scheme + 3) != request.authority;
}

}  // namespace

Request RequestOf(const http::RequestHead& head, std::string body) {
  Request request;
  request.method = std::string(head.method_text);
  const size_t mark = head.path.find('?');
  request.path = std::string(head.path.substr(0, mark));
  if (mark != absl::string_view::npos) request.query = std::string(head.path.substr(mark + 1));
  request.params = Params(request.query);
  request.cross_site = IsCrossSite(head);
  request.body = std::move(body);
  if (absl::StartsWithIgnoreCase(head.headers.Get(HeaderId::kContentType),
                                 "application/x-www-form-urlencoded")) {
    request.params.Append(Params::FromForm(request.body));
  }
  return request;
}

void AddResponseHeaders(const Response& response, absl::string_view date,
                        http::HeaderMap& headers) {
  headers.Add(HeaderId::kContentType, response.content_type);
  headers.Add("cache-control", "no-cache, max-age=0");
  headers.Add("x-content-type-options", "nosniff");
  if (absl::StartsWith(response.content_type, "text/html")) {
    headers.Add("x-frame-options", "DENY");  // Its buttons must not be clicked unawares.
  }
  if (!response.allow.empty()) headers.Add("allow", response.allow);
  headers.Add(HeaderId::kDate, date);
  headers.Add(HeaderId::kServer, "proxenos");
}

}  // namespace proxenos::admin
