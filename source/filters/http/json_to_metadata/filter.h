// JsonToMetadata: makes dynamic metadata of what stands in bodies that are JSON, for other filters,
// matchers, routes and access logs.
//
// A message whose body is looked at waits until it is whole. Owner: the stream's FilterChain.
// Thread: the worker's.
#pragma once

#include <optional>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/json_to_metadata/rules.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::json_to_metadata {

// envoy.extensions.filters.http.json_to_metadata.v3.JsonToMetadata, of the filter or a route.
struct Settings {
  std::optional<Rules> rules[2];  // By filter::Direction.
};

// Scopes: json_to_metadata.rq. and json_to_metadata.resp.
#define PX_JSON_TO_METADATA_STATS(X)  \
  X(Counter, success)                 \
  X(Counter, mismatched_content_type) \
  X(Counter, no_body)                 \
  X(Counter, invalid_json_body)
PX_STATS(JsonToMetadataStats, PX_JSON_TO_METADATA_STATS);

struct JsonToMetadataPart final : public filter::WorkerPart {
  stats::Group<JsonToMetadataStats> stats[2];
};

class JsonToMetadata final : public filter::HttpFilter {
 public:
  // All outlive it; `part` may be null.
  JsonToMetadata(const Settings& settings, filter::StreamContext& stream,
                 const JsonToMetadataPart* part)
      : settings_(settings), stream_(stream), part_(part) {}

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  filter::BodyNeed NeedOf(filter::Direction direction, const http::HeaderMap& headers,
                          const filter::BodyNeed& declared) const;
  // The metadata that a message makes; its head is here, and so is its body where it is looked at.
  Made Read(filter::Direction direction, const http::HeaderMap& headers);
  void Keep(Made made);

  const Settings& settings_;
  filter::StreamContext& stream_;
  const JsonToMetadataPart* const part_;
};

// What a body may have that is to be looked at: a connection's buffer in Envoy.
inline constexpr uint32_t kMaxBodyBytes = 1024 * 1024;

}  // namespace proxenos::filters::json_to_metadata
