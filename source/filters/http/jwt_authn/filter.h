// JwtAuthn: lets requests pass whose tokens are as the rule for them requires.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/jwt_authn/verification.h"

namespace proxenos::filters::jwt_authn {

class JwtAuthn final : public filter::HttpFilter {
 public:
  JwtAuthn(const Settings& settings, const filter::FilterFactory& factory,
           filter::StreamContext& stream)
      : settings_(settings),
        factory_(factory),
        stream_(stream),
        part_(static_cast<JwtPart&>(*stream.worker_part(factory))) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override;

 private:
  // Headers that only a verified token may set.
  void RemoveForged(http::HeaderMap& headers) const;
  bool IsBypassedPreflight(const http::RequestHead& head) const;
  // What is required; null: nothing. `*unknown`: the route names a requirement that there is not.
  const Requirement* FindRequirement(bool* unknown) const;
  filter::Verdict Act(Failure failure);
  void Deny(Failure failure);

  const Settings& settings_;
  const filter::FilterFactory& factory_;
  filter::StreamContext& stream_;
  JwtPart& part_;
  std::unique_ptr<Verification> verification_;  // While it waits for keys.
};

}  // namespace proxenos::filters::jwt_authn
