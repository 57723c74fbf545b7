// Compression on the way: what is compressed for whom, what heads say of it, and the way back.
#include <memory>
#include <string>
#include <vector>

#include "envoy/extensions/compression/brotli/compressor/v3/brotli.pb.h"
#include "envoy/extensions/compression/gzip/compressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/gzip/decompressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/zstd/compressor/v3/zstd.pb.h"
#include "envoy/extensions/filters/http/compressor/v3/compressor.pb.h"
#include "envoy/extensions/filters/http/decompressor/v3/decompressor.pb.h"
#include "envoy/extensions/filters/http/lua/v3/lua.pb.h"
#include "gtest/gtest.h"
#include "source/compression/decoder.h"
#include "source/filters/http/compressor/negotiation.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace compression_api = envoy::extensions::compression;
using Gzip = compression_api::gzip::compressor::v3::Gzip;
using Brotli = compression_api::brotli::compressor::v3::Brotli;
using Zstd = compression_api::zstd::compressor::v3::Zstd;
using Proto = envoy::extensions::filters::http::compressor::v3::Compressor;
using PerRoute = envoy::extensions::filters::http::compressor::v3::CompressorPerRoute;
using Reverse = envoy::extensions::filters::http::decompressor::v3::Decompressor;
using compressor::Choose;
using compressor::Offer;
using compressor::Reason;

TEST(NegotiationTest, Weights) {
  const std::vector<Offer> offers = {{"gzip"}, {"br"}};
  const auto choice = [&](absl::string_view header) {
    const compressor::Choice chosen = Choose(&header, offers);
    const std::string name =
        chosen.offer < offers.size() ? std::string(offers[chosen.offer].coding) : "-";
    return absl::StrCat(name, " ", static_cast<int>(chosen.reason));
  };
  const auto is = [](const char* name, Reason reason) {
    return absl::StrCat(name, " ", static_cast<int>(reason));
  };
  EXPECT_EQ(choice("gzip"), is("gzip", Reason::kCompressor));
  EXPECT_EQ(choice("GZIP;q=0.5, br;q=0.7"), is("br", Reason::kCompressor));
  EXPECT_EQ(choice("deflate, x-gzip"), is("gzip", Reason::kCompressor));
  EXPECT_EQ(choice("br, gzip"), is("br", Reason::kCompressor));
  EXPECT_EQ(choice("gzip, deflate, br"), is("gzip", Reason::kCompressor));
  EXPECT_EQ(choice("*"), is("gzip", Reason::kWildcard));
  EXPECT_EQ(choice("gzip;q=0, *"), is("br", Reason::kWildcard));
  EXPECT_EQ(choice("gzip;q=0, br;q=0.0"), is("-", Reason::kNotValid));
  EXPECT_EQ(choice("identity"), is("-", Reason::kIdentity));
  EXPECT_EQ(choice("identity;q=0.2, gzip;q=0.1"), is("-", Reason::kIdentity));
  EXPECT_EQ(choice("identity;q=0.1, gzip;q=0.2"), is("gzip", Reason::kCompressor));
  EXPECT_EQ(choice("*;q=0"), is("-", Reason::kNotValid));
  EXPECT_EQ(choice("deflate"), is("-", Reason::kNotValid));
  EXPECT_EQ(choice(""), is("-", Reason::kNotValid));
  for (const char* broken : {"gzip;q=2", "gzip;q=", "gzip;q=0.1234", "gzip;q=.5", "gzip;q=1.001"}) {
    EXPECT_EQ(choice(broken), is("-", Reason::kNotValid)) << broken;
  }
  EXPECT_EQ(choice("gzip ; q = 0.8 ;x"), is("-", Reason::kNotValid));
  EXPECT_EQ(choice("gzip ; Q = 0.8"), is("gzip", Reason::kCompressor));
  EXPECT_EQ(Choose(nullptr, offers).reason, Reason::kNoHeader);
}

TEST(NegotiationTest, MarkedOffersWinAmongEquals) {
  const absl::string_view equal = "gzip, br, zstd", less = "gzip, br;q=0.9, zstd;q=0.9";
  const std::vector<Offer> offers = {{"gzip"}, {"br", true}, {"zstd", true}};
  EXPECT_EQ(Choose(&equal, offers).offer, 2u);
  EXPECT_EQ(Choose(&less, offers).offer, 0u);
}

template <typename Library>
std::string Lib(const std::string& name = "lib", const std::string& settings = "") {
  std::string any;
  google::protobuf::TextFormat::PrintToString(Pack<Library>(settings), &any);
  return "compressor_library { name: '" + name + "' typed_config { " + any + " } } ";
}

std::string Decoded(compression::DecoderSettings settings, const std::string& bytes) {
  buffer::Buffer in, out;
  in.Append(bytes);
  auto decoder = compression::MakeDecoder(settings);
  EXPECT_EQ(decoder->Decode(in, 1 << 20, out), compression::Decoder::Result::kTaken);
  EXPECT_TRUE(decoder->complete());
  return out.ToString();
}

const char kBody[] = "a text that is long enough, long enough, long enough to be compressed";

class CompressorTest : public ::testing::Test {
 protected:
  void Configure(const std::vector<google::protobuf::Any>& filters) {
    factories_.clear();
    for (const auto& filter : filters) {
      auto factory = MakeFactory(filter);
      const_cast<filter::FilterFactory&>(*factory).index = static_cast<uint32_t>(factories_.size());
      factories_.push_back(std::move(factory));
    }
  }
  void Configure(const std::string& text) { Configure({Pack<Proto>(text)}); }
  void Begin(const Fields& fields = {{"accept-encoding", "gzip"}}, bool end = true) {
    stream_ = std::make_unique<FilterHarness>(factories_, [&](filter::StreamContext& stream) {
      FillRequest({.fields = fields}, stream.request, stream.arena);
      stream.info.connection = &connection_;
      if (routes_ == nullptr) return;
      stream.routes = routes_.get();
      stream.route = routes_->Match(route::MatchInput{stream.request});
    });
    stream_->SendRequest(end);
  }
  // A response with these fields, its length known.
  void Respond(const Fields& fields, const std::string& body = kBody, uint16_t status = 200) {
    for (const auto& [name, value] : fields) stream_->response.headers.Add(name, value);
    stream_->response.framing = {http::Framing::kLength, body.size()};
    stream_->response.headers.Add("content-length", absl::StrCat(body.size()));
    stream_->SendResponse(status, body, true);
  }
  std::string Field(absl::string_view name) { return Value(stream_->response.headers, name); }
  bool Compressed() { return Field("content-encoding") != "-"; }
  // Whether a response with these fields is compressed for a client that takes gzip.
  bool Compresses(const Fields& fields, const std::string& body = kBody, uint16_t status = 200) {
    Begin();
    Respond(fields, body, status);
    return Compressed();
  }

  filter::ConnectionInfo connection_;
  filter::FilterFactories factories_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(CompressorTest, CompressesForWhoAsks) {
  Configure(Lib<Gzip>());
  Begin();
  Respond({{"content-type", "text/html; charset=utf-8"}, {"etag", "\"abc\""}});
  EXPECT_EQ(Field("content-encoding"), "gzip");
  EXPECT_EQ(Field("content-length"), "-");
  EXPECT_EQ(Field("etag"), "-");
  EXPECT_EQ(Field("vary"), "Accept-Encoding");
  EXPECT_EQ(stream_->response.framing.kind, http::Framing::kChunked);
  EXPECT_TRUE(stream_->response_out.end);
  const std::string bytes = stream_->response_out.body.ToString();
  EXPECT_EQ(Decoded(compression::GzipDecoding(), bytes), kBody);
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.compressed"), 1u);
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.header_compressor_used"), 1u);
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.total_uncompressed_bytes"), strlen(kBody));
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.total_compressed_bytes"), bytes.size());

  Begin({});
  Respond({});
  EXPECT_FALSE(Compressed());
  EXPECT_EQ(Field("vary"), "Accept-Encoding");  // All the same.
  EXPECT_EQ(stream_->response_out.body.ToString(), kBody);
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.no_accept_header"), 1u);
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.not_compressed"), 1u);
}

TEST_F(CompressorTest, LeavesAloneWhatItShould) {
  Configure(Lib<Gzip>() + "response_direction_config { uncompressible_response_codes: 404 }");
  EXPECT_TRUE(Compresses({}));
  EXPECT_TRUE(Compresses({{"content-type", "APPLICATION/JSON"}}));
  EXPECT_FALSE(Compresses({{"content-type", "image/png"}}));
  EXPECT_EQ(Field("vary"), "-");
  EXPECT_TRUE(Compresses({{"content-encoding", "br"}}));
  EXPECT_EQ(Field("content-encoding"), "br");
  EXPECT_EQ(stream_->response_out.body.ToString(), kBody);
  EXPECT_FALSE(Compresses({}, "short"));
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.response.content_length_too_small"), 1u);
  EXPECT_FALSE(Compresses({{"cache-control", "private, No-Transform"}}));
  EXPECT_FALSE(Compresses({}, kBody, 206));
  EXPECT_FALSE(Compresses({{"content-range", "bytes 0-9/10"}}));
  EXPECT_FALSE(Compresses({}, kBody, 404));
  EXPECT_TRUE(Compresses({}, kBody, 500));
  Begin({{"accept-encoding", "gzip;q=0"}});
  Respond({});
  EXPECT_FALSE(Compressed());
}

TEST_F(CompressorTest, EtagsAndVary) {
  Configure(Lib<Gzip>());
  EXPECT_TRUE(Compresses({{"etag", "W/\"a\""}, {"vary", "Origin"}}));
  EXPECT_EQ(Field("etag"), "W/\"a\"");
  EXPECT_EQ(Field("vary"), "Origin, Accept-Encoding");
  EXPECT_TRUE(Compresses({{"vary", "accept-encoding"}, {"accept-ranges", "bytes"}}));
  EXPECT_EQ(Field("vary"), "accept-encoding");
  EXPECT_EQ(Field("accept-ranges"), "-");
  EXPECT_FALSE(Compresses({{"content-range", "bytes 0-4/100"}}, "short", 206));
  EXPECT_EQ(Field("vary"), "Accept-Encoding");
  Configure(Lib<Gzip>() + "response_direction_config { weaken_etag_on_compress: true }");
  EXPECT_TRUE(Compresses({{"etag", "\"a\""}}));
  EXPECT_EQ(Field("etag"), "W/\"a\"");
  Configure(Lib<Gzip>() + "response_direction_config { disable_on_etag_header: true }");
  EXPECT_FALSE(Compresses({{"etag", "W/\"a\""}}));
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.not_compressed_etag"), 1u);
  EXPECT_TRUE(Compresses({}));
}

TEST_F(CompressorTest, EventsAreNotDelayed) {
  Configure(Lib<Brotli>() +
            "response_direction_config { common_config { content_type_matcher "
            "{ exact: 'text/event-stream' } } }");
  Begin({{"accept-encoding", "br"}});
  stream_->response.headers.Add("content-type", "text/event-stream");
  stream_->response.framing = {http::Framing::kChunked, 0};
  stream_->SendResponse(200, "", false);
  auto decoder = compression::MakeDecoder(compression::BrotliDecoding());
  for (int i = 0; i < 3; ++i) {
    stream_->SendResponseBody("data: 1\n\n", false);
    buffer::Buffer out;
    ASSERT_EQ(decoder->Decode(stream_->response_out.body, 1000, out),
              compression::Decoder::Result::kTaken);
    EXPECT_EQ(out.ToString(), "data: 1\n\n");
  }
  stream_->SendResponseTrailers({{"x-sum", "3"}});
  buffer::Buffer out;
  ASSERT_EQ(decoder->Decode(stream_->response_out.body, 1000, out),
            compression::Decoder::Result::kTaken);
  EXPECT_TRUE(decoder->complete());
  ASSERT_NE(stream_->response_out.trailers, nullptr);
  EXPECT_EQ(Value(*stream_->response_out.trailers, "x-sum"), "3");
}

TEST_F(CompressorTest, ChainsChooseOne) {
  Configure({Pack<Proto>(Lib<Gzip>("a")), Pack<Proto>(Lib<Zstd>("b")),
             Pack<Proto>(Lib<Brotli>("c") + "choose_first: true")});
  const auto coding = [this](const char* accept) {
    Begin({{"accept-encoding", accept}});
    Respond({});
    return Field("content-encoding");
  };
  EXPECT_EQ(coding("gzip, zstd;q=0.9"), "gzip");
  EXPECT_EQ(stream_->Stat("http.test.compressor.b.zstd.header_compressor_overshadowed"), 1u);
  EXPECT_EQ(coding("gzip;q=0.5, zstd"), "zstd");
  EXPECT_EQ(Decoded(compression::ZstdDecoding(), stream_->response_out.body.ToString()), kBody);
  EXPECT_EQ(coding("gzip, zstd, br"), "br");
  EXPECT_EQ(coding("*"), "br");
  EXPECT_EQ(coding("deflate"), "-");
}

TEST_F(CompressorTest, AcceptEncodingIsTakenAway) {
  Configure(Lib<Gzip>() +
            "remove_accept_encoding_header: true content_length { value: 5 } "
            "content_type: 'x/y' disable_on_etag_header: true");
  Begin();
  EXPECT_EQ(Value(stream_->request.headers, "accept-encoding"), "-");
  Respond({{"content-type", "x/y"}}, "123456");
  EXPECT_TRUE(Compressed());
  EXPECT_FALSE(Compresses({{"content-type", "text/plain"}}));
  EXPECT_FALSE(Compresses({{"content-type", "x/y"}, {"etag", "\"a\""}}));
  Configure(Lib<Gzip>() + "runtime_enabled { default_value { value: false } runtime_key: 'k' }");
  EXPECT_FALSE(Compresses({}));
  EXPECT_EQ(Field("vary"), "-");
}

TEST_F(CompressorTest, RequestsWhereConfigured) {
  Configure(Lib<Gzip>() + "request_direction_config {}");
  Begin({{"content-type", "text/plain"}, {"content-length", absl::StrCat(strlen(kBody))}}, false);
  stream_->SendRequestBody(kBody, true);
  EXPECT_EQ(Value(stream_->request.headers, "content-encoding"), "gzip");
  EXPECT_EQ(Value(stream_->request.headers, "content-length"), "-");
  EXPECT_EQ(Decoded(compression::GzipDecoding(), stream_->request_out.body.ToString()), kBody);
  EXPECT_EQ(stream_->Stat("http.test.compressor.lib.gzip.request.compressed"), 1u);
  Begin({{"content-length", "3"}}, false);
  stream_->SendRequestBody("abc", true);
  EXPECT_EQ(Value(stream_->request.headers, "content-encoding"), "-");
  EXPECT_EQ(stream_->request_out.body.ToString(), "abc");
}

TEST_F(CompressorTest, RoutesOverride) {
  Configure(Lib<Gzip>() +
            "response_direction_config { common_config { enabled { default_value "
            "{ value: false } runtime_key: 'k' } } }");
  EXPECT_FALSE(Compresses({}));
  auto config = RouteToOrigin();
  auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
  auto& own = (*route->mutable_typed_per_filter_config())["f"];
  own = Pack<PerRoute>(
      "overrides { response_direction_config { remove_accept_encoding_header "
      "{ value: true } } " +
      Lib<Zstd>() + "}");
  routes_ = MakeRoutes(config);
  Begin({{"accept-encoding", "gzip, zstd"}});
  EXPECT_EQ(Value(stream_->request.headers, "accept-encoding"), "-");
  Respond({});
  EXPECT_EQ(Field("content-encoding"), "zstd");
  own = Pack<PerRoute>("disabled: true");
  routes_ = MakeRoutes(config);
  Configure(Lib<Gzip>());
  EXPECT_FALSE(Compresses({}));
  EXPECT_EQ(Field("vary"), "-");
}

std::string ReverseLib(const std::string& settings = "") {
  using Library = compression_api::gzip::decompressor::v3::Gzip;
  std::string any;
  google::protobuf::TextFormat::PrintToString(Pack<Library>(settings), &any);
  return "decompressor_library { name: 'lib' typed_config { " + any + " } } ";
}

std::string Encoded(const std::string& text) {
  buffer::Buffer in, out;
  in.Append(text);
  EXPECT_TRUE(compression::MakeEncoder(compression::GzipSettings())
                  ->Encode(in, compression::Flush::kEnd, out));
  return out.ToString();
}

TEST_F(CompressorTest, DecompressesBothWays) {
  Configure({Pack<Reverse>(ReverseLib())});
  const std::string bytes = Encoded(kBody);
  Begin({{"content-encoding", "gzip"}, {"content-length", absl::StrCat(bytes.size())}}, false);
  EXPECT_EQ(Value(stream_->request.headers, "content-encoding"), "-");
  EXPECT_EQ(Value(stream_->request.headers, "content-length"), "-");
  EXPECT_EQ(Value(stream_->request.headers, "accept-encoding"), "gzip");
  stream_->SendRequestBody(bytes.substr(0, 10), false);
  stream_->SendRequestBody(bytes.substr(10), true);
  EXPECT_EQ(stream_->request_out.body.ToString(), kBody);
  Respond({{"content-encoding", "br, X-Gzip"}, {"etag", "\"a\""}}, bytes);
  EXPECT_EQ(Field("content-encoding"), "br");
  EXPECT_EQ(Field("etag"), "W/\"a\"");
  EXPECT_EQ(ResponseText(*stream_), absl::StrCat("200 ", kBody));
  EXPECT_EQ(stream_->Stat("http.test.decompressor.lib.gzip.response.decompressed"), 1u);
  Begin({});
  Respond({{"content-encoding", "gzip"}, {"cache-control", "no-transform"}}, bytes);
  EXPECT_EQ(Field("content-encoding"), "gzip");
  EXPECT_EQ(stream_->response_out.body.ToString(), bytes);
}

// Filters behind it look at what waits while they hold the head.
TEST_F(CompressorTest, WhatWaitsIsDecodedForThoseBehind) {
  using Lua = envoy::extensions::filters::http::lua::v3::Lua;
  const auto script = [](const std::string& on) {
    return Pack<Lua>(absl::StrCat(
        "default_source_code { inline_string: 'function ", on,
        "(h) h:headers():add(\"x-body\", h:body():getBytes(0, h:body():length())) end' }"));
  };
  const auto reads = script("envoy_on_request");
  const std::string bytes = Encoded(kBody);
  Configure({Pack<Reverse>(ReverseLib()), reads});
  Begin({{"content-encoding", "gzip"}}, false);
  for (const char byte : bytes.substr(0, bytes.size() - 1)) {
    stream_->SendRequestBody(std::string(1, byte), false);
    EXPECT_FALSE(stream_->request_out.head);
  }
  stream_->SendRequestBody(bytes.substr(bytes.size() - 1), true);
  EXPECT_EQ(Value(stream_->request.headers, "x-body"), kBody);
  EXPECT_EQ(stream_->request_out.body.ToString(), kBody);
  EXPECT_TRUE(stream_->request_out.end);
  Configure({script("envoy_on_response"), Pack<Reverse>(ReverseLib())});
  Begin({});
  Respond({{"content-encoding", "gzip"}}, bytes);
  EXPECT_EQ(Field("x-body"), kBody);
  EXPECT_EQ(ResponseText(*stream_), absl::StrCat("200 ", kBody));
  // What is broken is not shown to them.
  Configure({Pack<Reverse>(ReverseLib()), reads});
  Begin({{"content-encoding", "gzip"}}, false);
  stream_->SendRequestBody(bytes.substr(0, bytes.size() - 4), true);
  EXPECT_EQ(stream_->response.status, 400);
  EXPECT_EQ(Value(stream_->request.headers, "x-body"), "-");
}

TEST_F(CompressorTest, AcceptsWhatItUndoesInOneField) {
  Configure({Pack<Reverse>(ReverseLib())});
  const std::pair<Fields, const char*> kCases[] = {
      {{{"accept-encoding", "br"}}, "br,gzip"},
      {{{"accept-encoding", "GZIP;q=0.5, br;q=0.1,"}}, "br;q=0.1,gzip"},
      {{{"accept-encoding", "br"}, {"accept-encoding", "gzip ;q=0"}}, "br,gzip"},
  };
  for (const auto& [fields, wanted] : kCases) {
    Begin(fields);
    EXPECT_EQ(Value(stream_->request.headers, "accept-encoding"), wanted);
    EXPECT_EQ(stream_->request.headers.Count(http::HeaderId::kAcceptEncoding), 1u);
  }
}

TEST_F(CompressorTest, HostileContentEnds) {
  Configure({Pack<Reverse>(ReverseLib("max_inflate_ratio { value: 20 }"))});
  const std::string bomb = Encoded(std::string(1'000'000, 'x'));
  Begin({{"content-encoding", "gzip"}}, false);
  stream_->SendRequestBody(bomb, true);
  EXPECT_EQ(stream_->response.status, 400);
  EXPECT_EQ(stream_->info.details, "decompressor_broken_content");
  EXPECT_LT(stream_->request_out.body.size(), 100'000u);
  Begin({{"content-encoding", "gzip"}}, false);
  stream_->SendRequestBody("no gzip at all", false);
  EXPECT_EQ(stream_->response.status, 400);
  Begin({});
  Respond({{"content-encoding", "gzip"}}, bomb);
  EXPECT_TRUE(stream_->aborted());
  const std::string whole = Encoded(kBody);
  Begin({});
  Respond({{"content-encoding", "gzip"}}, whole.substr(0, whole.size() - 4));
  EXPECT_TRUE(stream_->aborted());
}

}  // namespace
}  // namespace proxenos::filters
