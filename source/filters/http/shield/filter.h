// Shield: what the origin learns of the client, and the client of the origin.
//
// Requests go on with no more of the client's address than may leave, responses without what
// betrays the origin: its fields, its URLs, its error pages. No body is looked at, none is held.
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/shield/client_fields.h"
#include "source/filters/http/shield/error_pages.h"
#include "source/filters/http/shield/origin_urls.h"

namespace proxenos::filters::shield {

// proxenos.filters.http.shield.v3.Shield. Thread: any (immutable).
struct Settings {
  std::optional<ClientFields> client;
  std::optional<ChosenNames> origin_fields;
  std::optional<OriginUrls> origin_urls;
  ErrorPages pages;
};

// Of a route.
struct RouteSettings {
  std::optional<Settings> policy;  // Nothing: the filter is switched off.
};

class Shield final : public filter::HttpFilter {
 public:
  Shield(const Settings& settings, const filter::FilterFactory& factory,
         filter::StreamContext& stream);

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnLocalReply() override;
  void OnComplete() override;

 private:
  // By the route, which filters may choose anew before this one sees the request.
  const Settings* FindPolicy() const;
  // Has the client's address printed as the policy says.
  void Print();
  void MaskRequest(http::HeaderMap& headers);
  // The place that the client asked for, when internal redirects may have led the request away.
  ClientPlace FindClient(const http::RequestHead& head) const;
  void CleanHead(http::ResponseHead& head);
  void SendPage(const ErrorPage& page, const http::ResponseHead& head);

  const Settings& settings_;
  const filter::FilterFactory& factory_;
  filter::StreamContext& stream_;
  const Settings* policy_ = nullptr;  // Null: switched off.
  ClientPlace client_;                // Views of the stream.
  bool masked_ = false;               // The request's fields are.
  bool page_sent_ = false;
};

}  // namespace proxenos::filters::shield
