// CustomResponse: puts a response of its own in the place of one that a matcher
// finds, whoever made that.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/body_format.h"
#include "source/filter/header_change.h"
#include "source/filter/http_filter.h"
#include "source/filter/matcher_tree.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/custom_response/redirect_policy.h"

namespace proxenos::filters::custom_response {

// extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy, or a redirect
// policy.
struct Policy {
  std::string body;
  std::optional<access_log::BodyFormat> format;  // Of which %LOCAL_REPLY_BODY% is the body.
  uint16_t status = 0;                           // 0: that of the response.
  std::vector<filter::HeaderChange> changes;
  std::string details;
  bool keeps_details = false;
  // The redirect policy: then all else is unused.
  std::unique_ptr<const filter::RedirectErrand> errand;
};

// extensions.filters.http.custom_response.v3.CustomResponse, of the filter or a
// route.
struct Settings {
  std::unique_ptr<const filter::MatcherTree> tree;  // Null: every response stays.
  std::vector<Policy> policies;                     // The tree's actions.
};

class CustomResponse final : public filter::HttpFilter {
 public:
  CustomResponse(const Settings& settings, const filter::FilterFactory& factory,
                 filter::StreamContext& stream)
      : settings_(settings), factory_(factory), stream_(stream) {}

  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  // The first that has one for this response, of the route's levels, then of
  // the filter; or null.
  const Policy* FindPolicy(const http::ResponseHead& head) const;

  const Settings& settings_;
  const filter::FilterFactory& factory_;
  filter::StreamContext& stream_;
  bool done_ = false;  // The response is ours.
};

}  // namespace proxenos::filters::custom_response
