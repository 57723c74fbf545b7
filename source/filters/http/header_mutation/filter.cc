// The levels' changes, one level after another.
#include "source/filters/http/header_mutation/filter.h"

#include <string>

namespace proxenos::filters::header_mutation {

using filter::Verdict;

absl::string_view HeaderMutation::Render(const access_log::Formatter& format,
                                         http::HeaderMap* trailers) {
  std::string text;
  const http::ResponseHead* response = stream_.response.status != 0 ? &stream_.response : nullptr;
  format.Format(access_log::FormatInput{&stream_.info, &stream_.request, response, trailers, {}},
                text);
  return stream_.arena.Copy(text);
}

void HeaderMutation::ApplyAll(Changes changes, http::HeaderMap& headers) {
  for (const Mutations* level : levels_) {
    if ((level->*changes).empty()) continue;
    route::Apply(level->*changes, headers, [this, level](uint32_t format) {
      return Render(level->formats[format], nullptr);
    });
  }
}

Verdict HeaderMutation::OnRequestHeaders(http::RequestHead& head, bool) {
  for (const Mutations* level : levels_) {
    const auto render = [this, level](uint32_t format) {
      return Render(level->formats[format], nullptr);
    };
    if (!level->request.empty()) route::Apply(level->request, head.headers, render);
    if (!level->query.empty()) {
      head.path = stream_.arena.Copy(ChangeQuery(level->query, head.path, render));
    }
  }
  return Verdict::kContinue;
}

Verdict HeaderMutation::OnRequestTrailers(http::HeaderMap& trailers) {
  ApplyAll(&Mutations::request_trailers, trailers);
  return Verdict::kContinue;
}

Verdict HeaderMutation::OnResponseHeaders(http::ResponseHead& head, bool) {
  stream_.info.response_code = head.status;  // For %RESPONSE_CODE%.
  ApplyAll(&Mutations::response, head.headers);
  return Verdict::kContinue;
}

Verdict HeaderMutation::OnResponseTrailers(http::HeaderMap& trailers) {
  ApplyAll(&Mutations::response_trailers, trailers);
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::header_mutation
