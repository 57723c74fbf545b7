// What tests of the cache filter stand on: streams one after another, or at once, through filters
// that share a store; the test is client and origin.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/cache/v3/cache.pb.h"
#include "envoy/extensions/filters/http/cache_v2/v3/cache.pb.h"
#include "envoy/extensions/http/cache_v2/simple_http_cache/v3/config.pb.h"
#include "source/http/date.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {

// "[]" around a CacheStore in text form makes a CacheConfig.
inline google::protobuf::Any CacheConfigOf(const std::string& store,
                                           const std::string& further = "") {
  return Pack<envoy::extensions::filters::http::cache::v3::CacheConfig>(
      absl::StrCat("typed_config { [type.googleapis.com/proxenos.http.cache.v3.CacheStore] { ",
                   store, " } } ", further));
}

// One request and its stream.
class CacheStream {
 public:
  CacheStream(const std::shared_ptr<const filter::FilterFactory>& factory, base::Nanos elapsed,
              const RequestLine& line)
      : harness_(filter::FilterFactories{factory}, [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
        }) {
    harness_.Advance(elapsed);
    harness_.Turn();
    harness_.SendRequest(/*end=*/true);
  }

  // Whether the origin sees it.
  bool forwarded() { return harness_.request_out.head; }
  // A field as the origin sees it; "-": it has none.
  std::string OriginSees(absl::string_view name) { return Value(harness_.request.headers, name); }

  // The origin's answer; `end` false: more of the body follows.
  void Answer(uint16_t status, const Fields& fields, const std::string& body, bool end = true) {
    for (const auto& [name, value] : fields) {
      harness_.response.headers.Add(absl::AsciiStrToLower(name), value);
      uint64_t length;
      if (name == "content-length" && absl::SimpleAtoi(value, &length)) {
        harness_.response.framing = {http::Framing::kLength, length};
      }
    }
    harness_.SendResponse(status, body, end);
  }
  void More(const std::string& body, bool end) { harness_.SendResponseBody(body, end); }

  // "status body", as the client has it so far.
  std::string Text() { return ResponseText(harness_); }
  std::string Field(absl::string_view name) { return Value(harness_.response.headers, name); }
  std::string Status() { return Field("cache-status"); }
  FilterHarness& harness() { return harness_; }

 private:
  FilterHarness harness_;
};

class CacheWorld {
 public:
  explicit CacheWorld(const google::protobuf::Any& config) : factory_(MakeFactory(config)) {}

  std::unique_ptr<CacheStream> Get(const std::string& path, const Fields& fields = {}) {
    return Send("GET", path, fields);
  }
  std::unique_ptr<CacheStream> Send(const std::string& method, const std::string& path,
                                    const Fields& fields = {}) {
    return std::make_unique<CacheStream>(factory_, elapsed_, RequestLine{method, path, fields});
  }
  // A GET that goes to the origin, which answers so.
  void Fill(const std::string& path, const Fields& response, const std::string& body,
            const Fields& request = {}) {
    auto stream = Get(path, request);
    EXPECT_TRUE(stream->forwarded()) << path;
    stream->Answer(200, response, body);
  }
  void Pass(int64_t seconds) { elapsed_ += seconds * base::kSecond; }
  std::string DateAt(int64_t seconds) const {
    testing::SimClock clock;
    char text[http::kDateSize];
    http::FormatDate(clock.Wall() / 1000000 + elapsed_ / base::kSecond + seconds, text);
    return std::string(text, sizeof(text));
  }

 private:
  const std::shared_ptr<const filter::FilterFactory> factory_;
  base::Nanos elapsed_ = 0;
};

}  // namespace proxenos::filters
