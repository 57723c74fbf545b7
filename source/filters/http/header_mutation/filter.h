// HeaderMutation: applies configured changes to headers, trailers and query parameters.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include "absl/container/inlined_vector.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/header_mutation/mutations.h"

namespace proxenos::filters::header_mutation {

// The filter's own, then those of the levels of the route table in the order in which they apply.
using Levels = absl::InlinedVector<const Mutations*, 4>;

class HeaderMutation final : public filter::HttpFilter {
 public:
  // What `levels` point to outlives the stream, which pins it.
  HeaderMutation(Levels levels, filter::StreamContext& stream)
      : levels_(std::move(levels)), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;

 private:
  using Changes = std::vector<FieldChange> Mutations::*;

  void ApplyAll(Changes changes, http::HeaderMap& headers);
  absl::string_view Render(const access_log::Formatter& format, http::HeaderMap* trailers);

  const Levels levels_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::header_mutation
