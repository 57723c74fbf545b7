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
#include "source/stats/registry.h"
#include "source/stats/schema.h"

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

// Scope: http_filter_name.STAT_PREFIX.
#define PX_HEADER_TO_METADATA_STATS(X)  \
  X(Counter, request_rules_processed)   \
  X(Counter, request_metadata_added)    \
  X(Counter, request_header_not_found)  \
  X(Counter, response_rules_processed)  \
  X(Counter, response_metadata_added)   \
  X(Counter, response_header_not_found) \
  X(Counter, base64_decode_failed)      \
  X(Counter, header_value_too_long)     \
  X(Counter, regex_substitution_failed)
PX_STATS(HeaderToMetadataStats, PX_HEADER_TO_METADATA_STATS);

// Of a filter that has a stat_prefix.
struct HeaderToMetadataPart final : filter::WorkerPart {
  stats::Group<HeaderToMetadataStats> stats;
};

class HeaderToMetadata final : public filter::HttpFilter {
 public:
  // `part`: null where nothing is counted.
  HeaderToMetadata(const Settings& settings, filter::StreamContext& stream,
                   const HeaderToMetadataPart* part)
      : settings_(settings), stream_(stream), part_(part) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  using Counted = stats::Counter HeaderToMetadataStats::*;
  // What is counted of one direction.
  struct Direction {
    Counted processed;
    Counted added;
    Counted not_found;
  };
  static const Direction kRequest;
  static const Direction kResponse;

  void Apply(const Direction& direction, const Rule& rule, const std::optional<std::string>& found,
             http::HeaderMap& headers);
  // False: the value is no metadata.
  bool Keep(const Entry& entry, absl::string_view found);
  void Count(Counted counter) const {
    if (part_ != nullptr) ((*part_->stats).*counter).Inc();
  }

  const Settings& settings_;
  filter::StreamContext& stream_;
  const HeaderToMetadataPart* const part_;
};

}  // namespace proxenos::filters::header_to_metadata
