// What tests of the WAF share: a stream, and what the filter told of it.
#pragma once

#include <memory>
#include <string>

#include "test/filters/http/stream.h"

namespace proxenos::filters {

// The stream's end, as a client or the origin would see it.
inline std::string Ask(FilterHarness& stream) {
  stream.Until(
      [&stream] { return stream.request_out.head || stream.response_out.end || stream.aborted(); });
  if (stream.aborted()) return "aborted";
  return stream.request_out.head ? "passed" : ResponseText(stream);
}

class WafStreamTest : public ::testing::Test {
 protected:
  const json::Object& Metadata() {
    return *stream_->info.metadata.Find("proxenos.filters.http.waf");
  }
  std::string Told(const std::string& name) { return json::ToJson(Metadata().at(name)); }
  uint64_t Stat(const std::string& name) { return stream_->Stat("http.test.waf." + name); }

  std::unique_ptr<FilterHarness> stream_;
};

}  // namespace proxenos::filters
