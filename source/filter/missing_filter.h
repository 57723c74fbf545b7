// MissingFilter: stands where a filter is to come by discovery and nothing has come: a chain that
// is not whole must not let requests through (they would pass without authentication, say).
#pragma once

#include <memory>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filter {

// Answers every request with 500 and the flag NFCF.
class MissingFilter final : public HttpFilter {
 public:
  MissingFilter(StreamContext& stream, bool terminal) : stream_(stream), terminal_(terminal) {}

  Verdict OnRequestHeaders(http::RequestHead&, bool) override {
    stream_.Reply(500, "", "", kNoFilterConfigFound);
    return Verdict::kReplied;
  }
  bool terminal() const override { return terminal_; }

 private:
  StreamContext& stream_;
  const bool terminal_;
};

class MissingFilterFactory final : public FilterFactory {
 public:
  explicit MissingFilterFactory(bool terminal) : terminal_(terminal) {}
  std::unique_ptr<HttpFilter> Create(StreamContext& stream) const override {
    return std::make_unique<MissingFilter>(stream, terminal_);
  }

 private:
  const bool terminal_;
};

}  // namespace proxenos::filter
