// HeaderToMetadata: makes dynamic metadata of headers and cookies, for other filters, matchers and
// access logs.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/route/action.h"

namespace proxenos::filters::header_to_metadata {

// Config.KeyValuePair
struct Entry {
  std::string space;
  std::string key;
  std::string value;  // Empty: the header's.
  std::optional<route::RegexRewrite> rewrite;
  bool number = false;
  bool base64 = false;
};

struct Rule {
  std::string header;      // Lower case. Either this or the cookie.
  route::FieldName field;  // The same, of a request.
  std::string cookie;
  std::optional<Entry> present;
  std::optional<Entry> missing;
  bool remove = false;
};

// envoy.extensions.filters.http.header_to_metadata.v3.Config, of the filter or a route.
struct Settings {
  std::vector<Rule> request;
  std::vector<Rule> response;
};

class HeaderToMetadata final : public filter::HttpFilter {
 public:
  HeaderToMetadata(const Settings& settings, filter::StreamContext& stream)
      : settings_(settings), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  void Apply(const Rule& rule, const std::optional<std::string>& found, http::HeaderMap& headers);
  void Keep(const Entry& entry, absl::string_view found);

  const Settings& settings_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::header_to_metadata
