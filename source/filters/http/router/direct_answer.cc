// Redirects and direct responses.
#include "source/filters/http/router/direct_answer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "source/filters/http/router/header_changes.h"
#include "source/route/reply_format.h"
#include "source/route/rewrite.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;

void Redirect(const route::Route& route, filter::StreamContext& stream) {
  stream.http_stats.rq_redirect.Inc();
  stream.Reply(route.redirect()->status, "", "direct_response", 0);
  const uint32_t format = route.redirect()->path_format;
  const absl::string_view made =
      format == route::HeaderAddition::kLiteral ? absl::string_view() : stream.FormatValue(format);
  stream.response.headers.Add(HeaderId::kLocation,
                              route::RedirectLocation(route, stream.match_input(), made));
}

void Respond(const route::DirectResponse& direct, filter::StreamContext& stream) {
  stream.http_stats.rq_direct_response.Inc();
  if (direct.format == nullptr) {
    stream.Reply(direct.status, direct.body, "direct_response", 0);
  } else {
    const std::string body = direct.format->Format(stream.match_input(), direct.body);
    stream.Reply(direct.status, stream.arena.Copy(body), "direct_response", 0);
    if (!body.empty() && !stream.IsGrpcCall()) {
      stream.response.headers.Set(HeaderId::kContentType, direct.format->content_type());
    }
  }
  if (direct.status == 201) {  // What was made is named by the request's own URI.
    const http::RequestHead& head = stream.request;
    stream.response.headers.Add(HeaderId::kLocation,
                                absl::StrCat(head.scheme, "://", head.authority, head.path));
  }
}

// Of its type a reply says one thing (RFC 9110, section 8.3): that of plain text gives way to what
// the route adds, that of a body_format or of gRPC does not.
void ChangeByRoute(filter::StreamContext& stream) {
  http::HeaderMap& headers = stream.response.headers;
  const absl::string_view own = headers.Get(HeaderId::kContentType);  // In the stream's arena.
  headers.Remove(HeaderId::kContentType);
  ChangeResponseHeaders(nullptr, stream);
  if (own.empty() || (own == "text/plain" && headers.Has(HeaderId::kContentType))) return;
  headers.Remove(HeaderId::kContentType);
  headers.AddView(HeaderId::kContentType, http::HeaderName(HeaderId::kContentType), own);
}

}  // namespace

void AnswerDirectly(const route::Route& route, filter::StreamContext& stream) {
  if (route.redirect() != nullptr) {
    Redirect(route, stream);
  } else {
    Respond(*route.direct_response(), stream);
  }
  stream.info.response_code = stream.response.status;  // For %RESPONSE_CODE% in what is added.
  ChangeByRoute(stream);
}

}  // namespace proxenos::filters::router
