// AwsRequestSigning: signs requests for AWS, by the proxy's own credentials.
//
// With the body signed too, the request goes on when it is whole: BodyMode::kBuffer.
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/aws_request_signing/signature.h"
#include "source/match/string_matcher.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::aws_request_signing {

// envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning
// Thread: any (immutable).
struct Settings {
  std::string service;
  std::string region;
  std::string host_rewrite;
  bool unsigned_payload = false;
  bool normalizes = true;
  std::vector<match::StringMatcher> included;  // Empty: all but `excluded`.
  std::vector<match::StringMatcher> excluded;
  Credentials credentials;
};

// Scope: "aws_request_signing." below HttpScope. One group a worker.
#define PX_AWS_REQUEST_SIGNING_STATS(X) \
  X(Counter, signing_added)             \
  X(Counter, signing_failed)            \
  X(Counter, payload_signing_added)     \
  X(Counter, payload_signing_failed)
PX_STATS(AwsRequestSigningStats, PX_AWS_REQUEST_SIGNING_STATS);

struct AwsRequestSigningPart final : public filter::WorkerPart {
  stats::Group<AwsRequestSigningStats> stats;
};

class AwsRequestSigning final : public filter::HttpFilter {
 public:
  // `settings` and `part` outlive it.
  AwsRequestSigning(const Settings& settings, AwsRequestSigningPart& part,
                    filter::StreamContext& stream)
      : settings_(settings), part_(part), stream_(stream) {}

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  bool Signs(absl::string_view name) const;
  void Sign(http::RequestHead& head, const std::string& payload_hash) const;

  const Settings& settings_;
  AwsRequestSigningPart& part_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::aws_request_signing
