// External processing against a processor on the stream's own loop: each part and mode, changes,
// answers in the origin's place, failures, and ends in every phase.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "envoy/extensions/filters/http/ext_proc/v3/ext_proc.pb.h"
#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "gtest/gtest.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::ext_proc::v3;
using envoy::service::ext_proc::v3::ProcessingRequest;
using envoy::service::ext_proc::v3::ProcessingResponse;
using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

constexpr char kService[] = "grpc_service { envoy_grpc { cluster_name: 'proc' } } ";

class ExtProcTest : public ::testing::Test {
 protected:
  AsyncStream Make(const std::string& text, const Fields& fields = {},
                   const std::string& per_route = "") {
    auto config = RouteToOrigin();
    auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
    if (!per_route.empty()) {
      (*route->mutable_typed_per_filter_config())["f"] = Pack<v3::ExtProcPerRoute>(per_route);
    }
    routes_ = MakeRoutes(config);
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<v3::ExternalProcessor>(kService + text))},
        [&](filter::StreamContext& stream) {
          FillRequest({.fields = fields}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "proc");
          made.service = service.get();
          made.service->origin.on_head = true;
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }
  void Begin(const std::string& text, const Fields& fields = {},
             const std::string& per_route = "") {
    subject_ = Make(text, fields, per_route);
    read_ = 0;
    answered_ = false;
  }
  FilterHarness& stream() { return *subject_.stream; }
  Http2OriginStream& Processor() { return subject_.service->origin.stream(0); }

  // The next question; an empty one when none comes.
  ProcessingRequest Next() {
    ProcessingRequest request;
    const auto size = [this]() -> size_t {
      if (subject_.service->origin.stream_count() == 0) return 0;
      const std::string& bytes = Processor().body();
      if (bytes.size() < read_ + 5) return 0;
      const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[read_ + i]); };
      const size_t length =
          size_t{byte(1)} << 24 | size_t{byte(2)} << 16 | size_t{byte(3)} << 8 | byte(4);
      return bytes.size() < read_ + 5 + length ? 0 : 5 + length;
    };
    EXPECT_TRUE(stream().Until([&] { return size() > 0; }));
    const size_t whole = size();
    if (whole == 0) return request;
    EXPECT_TRUE(request.ParseFromString(Processor().body().substr(read_ + 5, whole - 5)));
    read_ += whole;
    return request;
  }
  void Answer(const std::string& text) {
    ProcessingResponse response;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response)) << text;
    AnswerBytes(response.SerializeAsString());
  }
  void AnswerBytes(const std::string& bytes) {
    if (!answered_) Processor().SendHead(200, {{"content-type", "application/grpc"}}, false);
    answered_ = true;
    Processor().SendBody(Frame(bytes), false);
  }
  bool Passes() {
    return stream().Until([this] { return stream().request_out.head || stream().replied(); }) &&
           stream().request_out.head;
  }
  bool Ends() {
    return stream().Until([this] { return stream().request_out.end || stream().replied(); }) &&
           stream().request_out.end;
  }
  bool Responds() {
    return stream().Until([this] { return stream().response_out.end; });
  }

  std::shared_ptr<const route::RouteTable> routes_;
  AsyncStream subject_{};
  size_t read_ = 0;
  bool answered_ = false;
};

TEST_F(ExtProcTest, HeadsAreSeenAndChanged) {
  Begin("", {{"x-one", "1"}, {"x-gone", "1"}});
  stream().SendRequest(true);
  const ProcessingRequest request = Next();
  EXPECT_EQ(Processor().head().path, "/envoy.service.ext_proc.v3.ExternalProcessor/Process");
  EXPECT_TRUE(request.request_headers().end_of_stream());
  std::map<std::string, std::string> seen;
  for (const auto& header : request.request_headers().headers().headers()) {
    seen[header.key()] = header.raw_value();
  }
  EXPECT_EQ(seen[":path"], "/service/Method");
  EXPECT_EQ(seen[":authority"], "host");
  EXPECT_EQ(seen["x-one"], "1");
  EXPECT_FALSE(stream().request_out.head);
  Answer(R"(request_headers { response { clear_route_cache: true header_mutation {
      set_headers { header { key: "X-One" raw_value: "2" } }
      set_headers { header { key: "x-add" value: "a" } append { value: true } }
      set_headers { header { key: ":path" raw_value: "/new" } }
      set_headers { header { key: ":authority" raw_value: "evil" } }
      set_headers { header { key: "x-envoy-internal" raw_value: "true" } }
      set_headers { header { key: "x-bad" raw_value: "a\nb" } }
      remove_headers: "x-gone" remove_headers: "host" } } })");
  ASSERT_TRUE(Passes());
  EXPECT_EQ(Value(stream().request.headers, "x-one"), "2");
  EXPECT_EQ(Value(stream().request.headers, "x-add"), "a");
  EXPECT_EQ(Value(stream().request.headers, "x-gone"), "-");
  EXPECT_EQ(Value(stream().request.headers, "x-envoy-internal"), "-");
  EXPECT_EQ(Value(stream().request.headers, "x-bad"), "-");
  EXPECT_EQ(stream().request.path, "/new");
  EXPECT_EQ(stream().request.authority, "host");
  EXPECT_EQ(stream().reroutes, 1);
  EXPECT_EQ(stream().Stat("http.test.ext_proc.rejected_header_mutations"), 3u);
  stream().SendResponse(200, "body", true);
  const ProcessingRequest response = Next();
  EXPECT_EQ(response.response_headers().headers().headers(0).key(), ":status");
  EXPECT_FALSE(response.response_headers().end_of_stream());
  Answer(R"(response_headers { response { header_mutation {
      set_headers { header { key: "x-resp" raw_value: "r" } } } } })");
  ASSERT_TRUE(Responds());
  EXPECT_EQ(Value(stream().response.headers, "x-resp"), "r");
  EXPECT_EQ(stream().response_out.body.ToString(), "body");
}

TEST_F(ExtProcTest, WholeBodiesAreReplaced) {
  Begin(
      "processing_mode { request_header_mode: SKIP response_header_mode: SKIP "
      "request_body_mode: BUFFERED }",
      {{"content-length", "6"}});
  stream().SendRequest(false);
  stream().SendRequestBody("abc", false);
  stream().SendRequestBody("def", true);
  const ProcessingRequest request = Next();
  EXPECT_EQ(request.request_body().body(), "abcdef");
  EXPECT_TRUE(request.request_body().end_of_stream());
  Answer(R"(request_body { response { body_mutation { body: "longer than before" }
      header_mutation { set_headers { header { key: "x-late" raw_value: "1" } } } } })");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "longer than before");
  EXPECT_EQ(Value(stream().request.headers, "content-length"), "18");
  EXPECT_EQ(stream().request.framing.length, 18u);
  EXPECT_EQ(Value(stream().request.headers, "x-late"), "1");
}

TEST_F(ExtProcTest, HeadsMayComeBackWithABody) {
  const std::string replaced =
      R"(request_headers { response { status: CONTINUE_AND_REPLACE
           body_mutation { body: "mine" } } })";
  const auto body = [this] { return stream().request_out.body.ToString(); };
  // There was none.
  Begin("");
  stream().SendRequest(true);
  EXPECT_TRUE(Next().has_request_headers());
  Answer(replaced);
  ASSERT_TRUE(Ends());
  EXPECT_EQ(body(), "mine");
  EXPECT_EQ(Value(stream().request.headers, "content-length"), "4");
  EXPECT_EQ(stream().request.framing.length, 4u);
  // One is still coming: nothing of it passes.
  for (const bool trailers : {false, true}) {
    Begin("", {{"content-length", "6"}});
    stream().SendRequest(false);
    stream().SendRequestBody("abc", false);
    EXPECT_TRUE(Next().has_request_headers());
    Answer(replaced);
    ASSERT_TRUE(Passes());
    EXPECT_EQ(Value(stream().request.headers, "content-length"), "-");
    EXPECT_EQ(stream().request.framing.kind, http::Framing::kChunked);
    if (trailers) {
      stream().SendRequestTrailers({{"x-sum", "6"}});
    } else {
      stream().SendRequestBody("def", true);
    }
    ASSERT_TRUE(Ends());
    EXPECT_EQ(body(), "mine");
    EXPECT_EQ(stream().request_out.trailers, nullptr);
  }
}

TEST_F(ExtProcTest, FirstQuestionTellsOfTheModes) {
  Begin("processing_mode { request_body_mode: BUFFERED response_body_mode: STREAMED }");
  stream().SendRequest(true);
  const ProcessingRequest request = Next();
  EXPECT_EQ(request.protocol_config().request_body_mode(), v3::ProcessingMode::BUFFERED);
  EXPECT_EQ(request.protocol_config().response_body_mode(), v3::ProcessingMode::STREAMED);
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  stream().SendResponse(200, "", false);
  const ProcessingRequest response = Next();
  EXPECT_TRUE(response.has_response_headers());
  EXPECT_FALSE(response.has_protocol_config());
  Answer(R"(response_headers { response { header_mutation {
      set_headers { header { key: ":status" raw_value: "404" } }
      set_headers { header { key: ":status" raw_value: "99" } } } } })");
  ASSERT_TRUE(stream().Until([this] { return stream().response_out.head; }));
  EXPECT_EQ(stream().response.status, 404);
  EXPECT_EQ(stream().Stat("http.test.ext_proc.rejected_header_mutations"), 1u);
}

TEST_F(ExtProcTest, HeadThenWholeBody) {
  Begin("processing_mode { response_header_mode: SKIP request_body_mode: BUFFERED }");
  stream().SendRequest(false);
  stream().SendRequestBody("abc", true);
  EXPECT_TRUE(Next().has_request_headers());
  Answer("request_headers {}");
  EXPECT_EQ(Next().request_body().body(), "abc");
  EXPECT_FALSE(stream().request_out.head);
  Answer("request_body { response { body_mutation { clear_body: true } } }");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "");
}

TEST_F(ExtProcTest, PiecesAreReplacedOneByOne) {
  Begin(
      "processing_mode { request_header_mode: SKIP response_header_mode: SKIP "
      "request_body_mode: STREAMED request_trailer_mode: SEND }");
  stream().SendRequest(false);
  EXPECT_TRUE(stream().request_out.head);
  stream().SendRequestBody("one", false);
  const ProcessingRequest first = Next();
  EXPECT_EQ(first.request_body().body(), "one");
  EXPECT_FALSE(first.request_body().end_of_stream());
  Answer("request_body { response { body_mutation { body: '1' } } }");
  ASSERT_TRUE(stream().Until([&] { return !stream().request_out.body.empty(); }));
  stream().SendRequestBody("two", false);
  stream().SendRequestTrailers({{"x-t", "1"}});
  EXPECT_EQ(Next().request_body().body(), "two");
  Answer("request_body {}");
  EXPECT_EQ(Next().request_trailers().trailers().headers(0).key(), "x-t");
  Answer(
      "request_trailers { header_mutation { "
      "set_headers { header { key: 'x-t' raw_value: '2' } } } }");
  ASSERT_TRUE(Ends());
  EXPECT_EQ(stream().request_out.body.ToString(), "1two");
  EXPECT_EQ(Value(*stream().request_out.trailers, "x-t"), "2");
}

TEST_F(ExtProcTest, ResponsesAreSeenWhole) {
  Begin("processing_mode { request_header_mode: SKIP response_body_mode: BUFFERED }");
  stream().SendRequest(true);
  ASSERT_TRUE(Passes());
  stream().SendResponse(200, "origin's", true);
  EXPECT_TRUE(Next().has_response_headers());
  Answer("response_headers {}");
  EXPECT_EQ(Next().response_body().body(), "origin's");
  Answer("response_body { response { body_mutation { body: 'mine' } } }");
  ASSERT_TRUE(Responds());
  EXPECT_EQ(stream().response_out.body.ToString(), "mine");
}

TEST_F(ExtProcTest, AnswersInTheOriginsPlace) {
  Begin("metadata_options { receiving_namespaces { untyped: 'space' } }");
  stream().SendRequest(true);
  Next();
  Answer(R"(immediate_response { status { code: Forbidden } body: "no" details: "told"
      headers { set_headers { header { key: "x-why" raw_value: "because" } } } }
      dynamic_metadata { fields { key: "space" value { struct_value { fields {
        key: "k" value { string_value: "v" } } } } }
        fields { key: "other" value { struct_value {} } } })");
  EXPECT_FALSE(Passes());
  EXPECT_EQ(ResponseText(stream()), "403 no");
  EXPECT_EQ(Value(stream().response.headers, "x-why"), "because");
  EXPECT_EQ(stream().info.details, "told");
  EXPECT_EQ(*stream().info.metadata.Find("space", {"k"})->text(), "v");
  EXPECT_EQ(stream().info.metadata.Find("other"), nullptr);
}

TEST_F(ExtProcTest, FailuresFollowTheMode) {
  const std::vector<std::function<void()>> failures = {
      [this] { Answer("response_headers {}"); },  // Not what was asked.
      [this] { AnswerBytes("\xff"); },
      [this] { Answer("streamed_immediate_response {}"); },
      [this] { Processor().Reset(http2::ErrorCode::kInternalError); },
      [this] {
        Processor().SendHead(200, {{"content-type", "application/grpc"}, {"grpc-status", "13"}},
                             true);
      },
      [this] { stream().Advance(201 * base::kMillisecond); },
  };
  for (size_t i = 0; i < failures.size(); ++i) {
    for (const bool allow : {false, true}) {
      Begin(allow ? "failure_mode_allow: true" : "status_on_error { code: BadGateway }");
      stream().SendRequest(true);
      Next();
      failures[i]();
      EXPECT_EQ(Passes(), allow) << i;
      if (!allow) {
        const bool silence = i + 1 == failures.size();
        EXPECT_EQ(ResponseText(stream()), silence ? "504 " : "502 ") << i;
      }
      EXPECT_EQ(stream().Stat("http.test.ext_proc.streams_failed"), 1u) << i;
    }
  }
}

TEST_F(ExtProcTest, ProcessorThatEndsHasNoMoreToSay) {
  Begin("");
  stream().SendRequest(true);
  Next();
  Answer("request_headers {}");
  ASSERT_TRUE(Passes());
  Processor().SendTrailers({{"grpc-status", "0"}});
  stream().Until([this] { return stream().Stat("http.test.ext_proc.streams_closed") == 1; });
  stream().SendResponse(200, "", true);
  EXPECT_TRUE(Responds());
}

TEST_F(ExtProcTest, ModesMayBeChosenLate) {
  Begin("allow_mode_override: true");
  stream().SendRequest(false);
  Next();
  Answer(
      "request_headers {} mode_override { request_body_mode: STREAMED "
      "response_header_mode: SKIP }");
  ASSERT_TRUE(Passes());
  stream().SendRequestBody("x", true);
  EXPECT_EQ(Next().request_body().body(), "x");
  Answer("request_body {}");
  ASSERT_TRUE(Ends());
  stream().SendResponse(200, "", true);
  EXPECT_TRUE(Responds());
}

TEST_F(ExtProcTest, RoutesDecide) {
  Begin("", {}, "disabled: true");
  stream().SendRequest(true);
  EXPECT_TRUE(stream().request_out.head);
  Begin("", {}, "overrides { processing_mode { request_header_mode: SKIP } }");
  stream().SendRequest(true);
  EXPECT_TRUE(stream().request_out.head);
}

TEST_F(ExtProcTest, StreamsEndInEveryPhase) {
  testing::EndInEveryPhase(
      [&] {
        AsyncStream made = Make("processing_mode { request_body_mode: BUFFERED }");
        made.service->origin.on_request = [](Http2OriginStream& asked) {
          ProcessingResponse head, body;
          head.mutable_request_headers();
          body.mutable_request_body();
          asked.SendHead(200, {{"content-type", "application/grpc"}}, false);
          asked.SendBody(Frame(head.SerializeAsString()), false);
          asked.SendBody(Frame(body.SerializeAsString()), false);
        };
        made.stream->SendRequest(false);
        made.stream->SendRequestBody("body", true);
        return made;
      },
      [](FilterHarness& stream) { return stream.request_out.end || stream.replied(); });
}

}  // namespace
}  // namespace proxenos::filters
