// What the codec costs per message, on heads like those of the proxy's own benchmark.
// Run: bazel run -c opt //test/http1:codec_benchmark
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "source/base/check.h"
#include "source/http1/decoder.h"
#include "source/http1/encoder.h"

namespace proxenos::http1 {
namespace {

// 200 bytes, 5 fields besides Host as wrk, hey and curl mix them.
constexpr char kRequest[] =
    "GET /api/v1/items/4711?page=2 HTTP/1.1\r\n"
    "Host: www.example.com:8080\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: text/html,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Cookie: session=0123456789abcdef\r\n\r\n";

constexpr char kResponse[] =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sat, 22 Nov 2025 04:00:00 GMT\r\n"
    "Content-Type: application/octet-stream\r\n"
    "Content-Length: 0\r\n"
    "Last-Modified: Fri, 21 Nov 2025 10:00:00 GMT\r\n"
    "ETag: \"692038a0-400\"\r\n\r\n";

// A browser's: 20 fields, 1.2 KiB.
std::string BrowserRequest() {
  std::string head = "GET /assets/app.4f3c2b1a.js HTTP/1.1\r\nHost: shop.example.com\r\n";
  for (int i = 0; i < 18; ++i) {
    absl::StrAppend(&head, "Sec-Fetch-Field-", i, ": value of some length, number ", i * 7, "\r\n");
  }
  absl::StrAppend(&head, "Cookie: id=", std::string(300, 'c'), "\r\n\r\n");
  return head;
}

class RequestSink final : public http::RequestVisitor {
 public:
  http::RequestHead& OnMessageBegin() override { return *new (storage_) http::RequestHead(arena_); }
  void OnHead(buffer::Slice) override {}
  void OnBody(buffer::Slice) override {}
  http::HeaderMap& OnTrailersBegin() override { return head().headers; }
  void OnTrailers(buffer::Slice) override {}
  void OnComplete() override {}
  http::RequestHead& head() { return *reinterpret_cast<http::RequestHead*>(storage_); }
  buffer::Arena arena_;

 private:
  alignas(http::RequestHead) char storage_[sizeof(http::RequestHead)];
};

class ResponseSink final : public http::ResponseVisitor {
 public:
  http::ResponseHead& OnMessageBegin() override {
    return *new (storage_) http::ResponseHead(arena_);
  }
  void OnHead(buffer::Slice) override {}
  void OnInformational(buffer::Slice) override {}
  void OnBody(buffer::Slice) override {}
  http::HeaderMap& OnTrailersBegin() override { return head().headers; }
  void OnTrailers(buffer::Slice) override {}
  void OnComplete() override {}
  http::ResponseHead& head() { return *reinterpret_cast<http::ResponseHead*>(storage_); }
  buffer::Arena arena_;

 private:
  alignas(http::ResponseHead) char storage_[sizeof(http::ResponseHead)];
};

// Fresh copies of the same input (names are lower-cased in place). They are made many at a time: to
// scan bytes that were stored just now would measure the store buffer, which a read from a socket
// does not meet. BM_CopyOnly is what the copies cost.
class Copies {
 public:
  explicit Copies(const std::string& bytes) : bytes_(bytes) {
    for (buffer::Slice& copy : copies_) copy = buffer::Slice::Copy(bytes);
  }

  buffer::Slice Next() {
    if (next_ == kCopies) {
      for (buffer::Slice& copy : copies_) std::memcpy(copy.data(), bytes_.data(), bytes_.size());
      next_ = 0;
    }
    return copies_[next_++];
  }

 private:
  static constexpr int kCopies = 64;
  const std::string bytes_;
  buffer::Slice copies_[kCopies];
  int next_ = 0;
};

void BM_CopyOnly(benchmark::State& state) {
  Copies copies(kRequest);
  for (auto _ : state) {
    buffer::Slice slice = copies.Next();
    benchmark::DoNotOptimize(slice.data());
  }
}
BENCHMARK(BM_CopyOnly);

void DecodeRequests(benchmark::State& state, const std::string& bytes) {
  const RequestDecoderOptions options;
  RequestSink sink;
  RequestDecoder decoder(options, sink);
  Copies copies(bytes);
  for (auto _ : state) {
    buffer::Slice slice = copies.Next();
    CHECK(decoder.Decode(slice) == DecodeResult::kMessageComplete);
    sink.arena_.Reset();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}

void BM_DecodeRequest(benchmark::State& state) { DecodeRequests(state, kRequest); }
BENCHMARK(BM_DecodeRequest);

void BM_DecodeBrowserRequest(benchmark::State& state) { DecodeRequests(state, BrowserRequest()); }
BENCHMARK(BM_DecodeBrowserRequest);

void BM_DecodeResponse(benchmark::State& state) {
  const ResponseDecoderOptions options;
  const std::string bytes = kResponse;
  ResponseSink sink;
  ResponseDecoder decoder(options, sink);
  Copies copies(bytes);
  for (auto _ : state) {
    buffer::Slice slice = copies.Next();
    decoder.Expect(http::Method::kGet, false);
    CHECK(decoder.Decode(slice) == DecodeResult::kMessageComplete);
    sink.arena_.Reset();
  }
}
BENCHMARK(BM_DecodeResponse);

// As forwarded: what came, and three fields that the proxy adds.
void BM_EncodeRequest(benchmark::State& state) {
  const RequestDecoderOptions options;
  RequestSink sink;
  RequestDecoder decoder(options, sink);
  buffer::Slice bytes = buffer::Slice::Copy(kRequest);
  const buffer::Slice kept = bytes;
  CHECK(decoder.Decode(bytes) == DecodeResult::kMessageComplete);
  sink.head().headers.Set(http::HeaderId::kXForwardedFor, "192.0.2.7");
  sink.head().headers.Set(http::HeaderId::kXForwardedProto, "http");
  sink.head().headers.Set(http::HeaderId::kXRequestId, "0d3f2f0e-8f3b-4a49-9c3e-31f2a7c0b1d2");
  for (auto _ : state) {
    buffer::Buffer out;
    EncodeRequestHead(sink.head(), out);
    benchmark::DoNotOptimize(out.front().data());
  }
}
BENCHMARK(BM_EncodeRequest);

void BM_EncodeResponse(benchmark::State& state) {
  const ResponseDecoderOptions options;
  ResponseSink sink;
  ResponseDecoder decoder(options, sink);
  buffer::Slice bytes = buffer::Slice::Copy(kResponse);
  const buffer::Slice kept = bytes;
  decoder.Expect(http::Method::kGet, false);
  CHECK(decoder.Decode(bytes) == DecodeResult::kMessageComplete);
  sink.head().headers.Set(http::HeaderId::kServer, "proxenos");
  sink.head().headers.Set(http::HeaderId::kXEnvoyUpstreamServiceTime, "3");
  for (auto _ : state) {
    buffer::Buffer out;
    EncodeResponseHead(sink.head(), ResponseOptions(), out);
    benchmark::DoNotOptimize(out.front().data());
  }
}
BENCHMARK(BM_EncodeResponse);

void BM_DecodeChunks(benchmark::State& state) {
  const RequestDecoderOptions options;
  RequestSink sink;
  RequestDecoder decoder(options, sink);
  std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 16; ++i) absl::StrAppend(&bytes, "400\r\n", std::string(1024, 'x'), "\r\n");
  absl::StrAppend(&bytes, "0\r\n\r\n");
  Copies copies(bytes);
  for (auto _ : state) {
    buffer::Slice slice = copies.Next();
    CHECK(decoder.Decode(slice) == DecodeResult::kMessageComplete);
    sink.arena_.Reset();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_DecodeChunks);

}  // namespace
}  // namespace proxenos::http1

BENCHMARK_MAIN();
