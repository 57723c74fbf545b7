// Lua: runs a script's envoy_on_request and envoy_on_response with the messages of one stream.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/lua/part.h"
#include "source/filters/http/lua/run.h"
#include "source/filters/http/lua/settings.h"

namespace proxenos::filters::lua {

class Lua final : public filter::HttpFilter {
 public:
  // What runs, and what the stream's route says of it.
  struct Found {
    const RouteSettings* route = nullptr;
    std::shared_ptr<const Script> script;  // Null: nothing runs.
  };
  Lua(filter::StreamContext& stream, const filter::FilterFactory& factory, const Settings& settings,
      Found found);

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnWake() override;
  void OnLocalReply() override;
  void OnComplete() override;

 private:
  filter::Verdict Begin(filter::Direction direction, bool end);

  const std::shared_ptr<const Script> script_;
  const Place place_;
  std::optional<Run> request_;
  std::optional<Run> response_;
};

// What the stream's route says, and the script that runs; none where the filter is off or has none.
Lua::Found FindScript(const filter::StreamContext& stream, const filter::FilterFactory& factory,
                      const Settings& settings);

}  // namespace proxenos::filters::lua
